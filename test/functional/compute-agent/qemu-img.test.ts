import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { compareDisks, convertDisk } from '../../../services/compute-agent/images/qemu-img.ts';
import { HOST } from '../../unit/compute-agent/samples.ts';
import { flipBit } from './disk-images.ts';

const MEBIBYTE = 1024 ** 2;
let folder: string;
let source: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-qemu-'));
  source = join(folder, 'source');
  writeFileSync(source, randomBytes(64 * MEBIBYTE));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Processes that have a file of the test's folder open. */
const readers = () =>
  readdirSync('/proc').filter((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) =>
        readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(folder),
      );
    } catch {
      return false;
    }
  });

test('a conversion that nobody wants any more has ended when it is given up', async () => {
  const abort = new AbortController();
  const target = join(folder, 'target');
  const converting = convertDisk({
    source,
    source_format: 'raw',
    target,
    target_format: 'qcow2',
    host: HOST,
    asker: { signal: abort.signal, atWork: () => undefined },
    onPart: (part) => {
      if (part < 1) abort.abort(new Error('called back'));
    },
  });
  await expect(converting).rejects.toThrow('called back');
  expect(readers()).toEqual([]);
});

test('it ends with its agent, however that ends', async () => {
  const noted = join(folder, 'noted');
  const stand_in = `#!/bin/sh\necho $$ > '${noted}.draft'\nmv '${noted}.draft' '${noted}'\nexec sleep 300\n`;
  writeFileSync(join(folder, 'qemu-img'), stand_in, { mode: 0o755 });
  const module = new URL('../../../services/compute-agent/images/qemu-img.ts', import.meta.url);
  const script = `import { growQcow2 } from '${module.href}'; await growQcow2('disk', 1, 'host');`;
  const agent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
    stdio: 'ignore',
  });
  await vi.waitFor(() => readFileSync(noted), { timeout: 10_000 });
  const pid = readFileSync(noted, 'utf8').trim();
  // Whoever inherits it may not have looked at its end yet.
  const state = () => (existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : ') Z');
  const has_ended = () => /\) Z/.test(state());
  onTestFinished(() => {
    if (!has_ended()) spawnSync('kill', ['-KILL', pid]);
  });
  expect(has_ended()).toBe(false);
  const ended = once(agent, 'exit');
  agent.kill('SIGKILL');
  await ended;
  await vi.waitFor(() => expect(has_ended()).toBe(true), { timeout: 10_000 });
});

test('two views are compared from the disk: where they differ is told', async () => {
  const other = join(folder, 'other');
  writeFileSync(other, readFileSync(source));
  const asker = { signal: new AbortController().signal, atWork: () => undefined };
  const both = {
    one: { path: source, format: 'raw' },
    other: { path: other, format: 'raw' },
    host: HOST,
    asker,
  } as const;
  expect(await compareDisks(both)).toBeNull();
  flipBit(other, 5 * MEBIBYTE);
  expect(await compareDisks(both)).toMatch(/mismatch at offset 5242880/);
});

test.each([
  ['setpriv', 'util-linux', []],
  ['qemu-img', 'qemu-utils', ['setpriv']],
])('%s is missing: its package is named', async (tool, package_name, present) => {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  for (const program of present) {
    const found = spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, join(programs, program));
  }
  vi.stubEnv('PATH', programs);
  onTestFinished(() => void vi.unstubAllEnvs());
  const sides = {
    source,
    source_format: 'raw',
    target: join(folder, 'target'),
    target_format: 'qcow2',
  } as const;
  const asker = { signal: AbortSignal.timeout(60_000), atWork: () => undefined };
  await expect(convertDisk({ ...sides, host: HOST, asker })).rejects.toMatchObject({
    code: 'disk_tool_missing',
    values: { tool, package: package_name },
  });
});
