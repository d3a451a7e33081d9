import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NODE_FLAGS } from '../../../shared/process/node-flags.ts';

const MEBIBYTE = 1024 * 1024;
const RECEIVER = new URL('../../../services/compute-agent/mover/receiver/', import.meta.url).href;

/**
 * Both that a receiver does with its journal when it goes on with a disk, here a full one of 1 TiB:
 * writes it anew, and reads it. Prints what this took at most beyond what the process had and the leaf table has.
 */
const RESUME = `
  const [folder, receiver] = process.argv.slice(1);
  const { readFileSync, statSync } = await import('node:fs');
  const { Journal, readJournal } = await import(receiver + 'journal.ts');
  const { noteHeld, nothingHeld } = await import(receiver + 'held-extents.ts');
  const { ExtentLayout } = await import(receiver + '../disks/extents.ts');
  const { LeafTable } = await import(receiver + '../disks/leaf-table.ts');
  const path = folder + '/journal';
  const layout = new ExtentLayout(1024 ** 4);
  const subject = { migration_id: 'm', disks: [{ name: 'disk', size_bytes: layout.size_bytes }] };
  const leaf = Buffer.alloc(32, 1);
  function* full() {
    for (let index = 0; index < layout.count; index += 1) yield { disk: 0, index, leaf };
    for (let index = 0; index < layout.count; index += 16) yield { disk: 0, index, leaf, proved: true };
  }
  const field = (name) => Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'latin1'))[1]) * 1024;
  const before = field('VmRSS');
  await (await Journal.create(path, subject, full())).close();
  const held = nothingHeld(new LeafTable(layout));
  await noteHeld(await readJournal(path, 'm'), [held], () => undefined);
  let proved = 0;
  for (let index = 0; index < layout.count; index += 1) if (held.proved.has(index)) proved += 1;
  const { size } = statSync(path);
  console.log(JSON.stringify({ proved, size, taken_bytes: field('VmHWM') - before - 32 * layout.count }));
`;

test('a full disk of 1 TiB is gone on with in as little memory as a small one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-journal-memory-'));
  try {
    const command = [...NODE_FLAGS, '--input-type=module', '--eval', RESUME, folder, RECEIVER];
    const output = execFileSync(process.execPath, command, { encoding: 'utf8' });
    const figures = JSON.parse(output) as Record<'proved' | 'size' | 'taken_bytes', number>;
    expect(figures.proved).toBe(MEBIBYTE / 16);
    expect(figures.size).toBeGreaterThan(42 * MEBIBYTE);
    // All records at once took several hundred MiB; a receiver has 200 MiB for everything.
    expect(figures.taken_bytes).toBeLessThan(64 * MEBIBYTE);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
