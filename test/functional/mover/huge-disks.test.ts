import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PAGE_BYTES, PageStore } from '../../../services/compute-agent/mover/disks/page-store.ts';
import { PagedLeaves } from '../../../services/compute-agent/mover/disks/paged-leaves.ts';
import { prepareSpillFolder } from '../../../services/compute-agent/mover/disks/spill-file.ts';
import { NODE_FLAGS } from '../../../shared/process/node-flags.ts';
import type { HugeDisksFigures } from './support/huge-disks.ts';

const MEBIBYTE = 1024 * 1024;
const EXTENTS = 8192;
const PROGRAM = fileURLToPath(new URL('./support/huge-disks.ts', import.meta.url));
const DISKS_FOLDER = new URL('../../../services/compute-agent/mover/disks/', import.meta.url).href;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drover-huge-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function moved(...arguments_: readonly string[]): HugeDisksFigures {
  const command = [...NODE_FLAGS, PROGRAM, root, ...arguments_];
  return JSON.parse(execFileSync(process.execPath, command, { encoding: 'utf8' })) as HugeDisksFigures;
}

describe('several disks of 1 TiB that have something everywhere', () => {
  test('take both sides of a move together less memory than one may have', () => {
    const figures = moved('4');
    // Their tables are 128 MiB on each side.
    expect(figures.peak_rss_bytes).toBeLessThan(200 * MEBIBYTE);
    expect(figures.spilled_bytes).toBeGreaterThan(64 * MEBIBYTE);
    expect(figures).toMatchObject({ held: 4 * EXTENTS, roots_equal: true, left_bytes: 0, failures: [] });
    // The disks are holes: nothing of what the journal says is there.
    expect(figures.damaged_count).toBe(4 * EXTENTS);
    expect(readdirSync(join(root, 'mover', 'pages'))).toEqual([]);
  }, 60_000);

  test('are no move where what is known of them can be kept nowhere: each side says so, and nothing else breaks', () => {
    const figures = moved('2', 'nowhere');
    expect(figures.failures).toEqual(['mover_spill_failed', 'mover_spill_failed']);
    expect(figures.left_bytes).toBe(0);
  }, 60_000);
});

/** Fills eight pages of which two fit, says so, and waits. */
const SPILL = `
  const [folder, disks] = process.argv.slice(1);
  const { PAGE_BYTES, PageStore } = await import(disks + 'page-store.ts');
  const { PagedLeaves } = await import(disks + 'paged-leaves.ts');
  const store = new PageStore(2 * PAGE_BYTES);
  store.spillInto(folder);
  const leaves = new PagedLeaves(8 * PAGE_BYTES / 32, store);
  for (let index = 0; index < leaves.count; index += 1) leaves.set(index, Buffer.alloc(32, 1));
  process.stdout.write('spilled');
  process.stdin.resume();
`;

test('a process that is killed leaves nothing of what it had put into a file', async () => {
  const folder = prepareSpillFolder(root);
  const command = [...NODE_FLAGS, '--input-type=module', '--eval', SPILL, folder, DISKS_FOLDER];
  const child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    await Promise.race([once(child.stdout, 'data'), exited]);
    const files = readdirSync(`/proc/${child.pid}/fd`).map((file) =>
      readlinkSync(`/proc/${child.pid}/fd/${file}`),
    );
    expect(files.filter((path) => path.startsWith(folder))).toEqual([
      expect.stringMatching(/\/[0-9a-f]{16} \(deleted\)$/),
    ]);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)('a file system that is full loses nothing of what is known', () => {
  const folder = join(root, 'small');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${4 * PAGE_BYTES}`, 'tmpfs', folder]);
  const store = new PageStore(3 * PAGE_BYTES);
  store.spillInto(folder);
  const per_page = PAGE_BYTES / 32;
  const leaves = new PagedLeaves(100 * per_page, store);
  let pages = 0;
  const fill = (): void => {
    for (; pages < 100; pages += 1) leaves.set(pages * per_page, Buffer.alloc(32, pages + 1));
  };
  try {
    expect(fill).toThrow(/small: ENOSPC/);
    // Three in memory, four in the file.
    expect(pages).toBe(7);
    execFileSync('mount', ['-o', `remount,size=${200 * PAGE_BYTES}`, folder]);
    fill();
    const known = Array.from({ length: pages }, (_, page) => leaves.get(page * per_page)[31]);
    expect(known).toEqual(Array.from({ length: 100 }, (_, page) => page + 1));
  } finally {
    leaves.close();
    execFileSync('umount', [folder]);
  }
});
