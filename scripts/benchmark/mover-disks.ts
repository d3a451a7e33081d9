import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const MEBIBYTE = 1024 * 1024;
const FILE_SYSTEM_SIZE = '10G';

/** About half a GiB of files that every checkout has, in a file system of 10 GiB. */
export async function makeFileSystem(path: string): Promise<void> {
  await execute('truncate', ['-s', FILE_SYSTEM_SIZE, path]);
  const tree = new URL('../../node_modules', import.meta.url).pathname;
  await execute('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=1', '-d', tree, path], {
    maxBuffer: 16 * MEBIBYTE,
  });
  await execute('sync', ['--data', path]);
}

export async function makeQcow2(path: string): Promise<void> {
  const raw = `${path}.raw`;
  await makeFileSystem(raw);
  await execute('qemu-img', ['convert', '-q', '-f', 'raw', '-O', 'qcow2', raw, path]);
  rmSync(raw);
  await execute('sync', ['--data', path]);
}

export function makeIncompressible(path: string, size_bytes: number): Promise<void> {
  return fill(path, size_bytes, () => randomBytes(MEBIBYTE));
}

/** Lines of words and numbers; no two MiB are the same. */
export function makeText(path: string, size_bytes: number): Promise<void> {
  const source = new URL('../../node_modules/typescript/package.json', import.meta.url);
  const words = readFileSync(source, 'utf8').split(/\W+/);
  const pick = (): string => words[Math.floor(Math.random() * words.length)] ?? '';
  const line = (): string => `${Array.from({ length: 12 }, pick).join(' ')} ${Math.random()}\n`;
  const pages = Array.from({ length: 64 }, () => Array.from({ length: 160 }, line).join(''));
  return fill(path, size_bytes, () => {
    let text = '';
    while (text.length < MEBIBYTE) text += `${line()}${pages[Math.floor(Math.random() * pages.length)]}`;
    return Buffer.from(text).subarray(0, MEBIBYTE);
  });
}

/** Nothing but holes, and a little data here and there. */
export async function makeHuge(path: string, size_bytes: number): Promise<void> {
  await execute('truncate', ['-s', String(size_bytes), path]);
  const file = await open(path, 'r+');
  for (let place = 0; place < 64; place += 1) {
    await file.write(randomBytes(MEBIBYTE), 0, MEBIBYTE, Math.floor((size_bytes / 64) * place));
  }
  await file.sync();
  await file.close();
}

async function fill(path: string, size_bytes: number, next: () => Buffer): Promise<void> {
  const file = await open(path, 'w');
  for (let at = 0; at < size_bytes; at += MEBIBYTE) await file.write(next());
  await file.sync();
  await file.close();
}

/** Where possible, all start with the source on the disk only, and with nothing left to be written. */
export async function makeCold(path: string): Promise<void> {
  await execute('sync', ['--file-system', path]);
  await execute('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']).catch(() => undefined);
}
