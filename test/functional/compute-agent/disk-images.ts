import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

export const qemuImg = (...words: readonly string[]): string =>
  execFileSync('qemu-img', [...words], { encoding: 'utf8' });

/** A qcow2 that stands on a file of this format; as large as that file unless told. */
export function createOverlay(path: string, on: string, format: 'raw' | 'qcow2', size?: string): void {
  const words = ['create', '-q', '-f', 'qcow2', '-F', format, '-b', on, path];
  qemuImg(...words, ...(size === undefined ? [] : [size]));
}

/** 64 KiB of one byte in a qcow2, as its guest would write them. */
export const writePattern = (path: string, pattern: string, at: string): void =>
  void execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -P ${pattern} ${at} 64k`, path]);

/** Bytes of a file, as many as it has, in a qcow2. */
export const writeBytes = (path: string, from: string, at: string, length: string): void =>
  void execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -s ${from} ${at} ${length}`, path]);

/** Fails when a guest would see a difference. */
export const expectSameView = (one: string, other: string): void => void qemuImg('compare', '-U', one, other);

/** One bit of a file's content. Its times change as with any write. */
export function flipBit(path: string, position: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, position);
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, position);
  closeSync(file);
}
