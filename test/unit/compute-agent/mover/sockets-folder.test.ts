import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { socketsFolder } from '../../../../services/compute-agent/mover/sockets-folder.ts';

let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'drover-sockets-'));
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(temporary, { recursive: true, force: true });
});

const longPath = () => join(temporary, 'x'.repeat(100));

test('a short state path holds its own sockets', () => {
  expect(socketsFolder(join(temporary, 'state'))).toBe(join(temporary, 'state', 'mover', 's'));
});

test('a long one gets a private folder of the system, the same each time', () => {
  const folder = socketsFolder(longPath());
  expect(folder.startsWith(join(temporary, 'drover-'))).toBe(true);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(socketsFolder(longPath())).toBe(folder);
});

test('a folder that others may write to is not used', () => {
  chmodSync(socketsFolder(longPath()), 0o777);
  expect(() => socketsFolder(longPath())).toThrow(/a folder that is ours alone/);
});

test("a link in the folder's place is not followed", () => {
  const folder = socketsFolder(longPath());
  rmSync(folder, { recursive: true });
  const elsewhere = join(temporary, `${basename(folder)}-elsewhere`);
  mkdirSync(elsewhere, { mode: 0o700 });
  symlinkSync(elsewhere, folder);
  expect(() => socketsFolder(longPath())).toThrow(/a folder that is ours alone/);
});
