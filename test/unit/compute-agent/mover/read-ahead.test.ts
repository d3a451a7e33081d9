import { expect, test } from 'vitest';
import { ExtentLayout } from '../../../../services/compute-agent/mover/disks/extents.ts';
import { MemoryPool } from '../../../../services/compute-agent/mover/disks/memory-pool.ts';
import {
  readAhead,
  readAheadOf,
  type Skips,
} from '../../../../services/compute-agent/mover/sender/read-ahead.ts';
import type { SourceDisk } from '../../../../services/compute-agent/mover/sender/source-disk.ts';

const MEBIBYTE = 1024 * 1024;
const TEBIBYTE = MEBIBYTE * MEBIBYTE;

/** Counts the reads that have begun and are not answered yet. */
class Reads {
  under_way = 0;
  most = 0;

  disk(device: number, extents: number, fails = false): SourceDisk {
    const disk: Partial<SourceDisk> = {
      name: `disk on ${device}`,
      device,
      layout: new ExtentLayout(extents * MEBIBYTE),
      memoryFrom: (pool) => pool.take(1, null),
      read: async (_, memory) => {
        this.under_way += 1;
        this.most = Math.max(this.most, this.under_way);
        await new Promise((resolve) => setImmediate(resolve));
        this.under_way -= 1;
        if (fails) throw new Error('it is broken');
        return memory;
      },
    };
    return disk as SourceDisk;
  }
}

async function placesOf(disks: readonly SourceDisk[], skips: Skips = () => false) {
  const places: string[] = [];
  const pool = new MemoryPool(4);
  for await (const { disk, index, content, memory } of readAhead(disks, pool, skips)) {
    await content;
    pool.give(memory);
    places.push(`${disk}.${index}`);
  }
  return places;
}

test('disks of one device follow each other', async () => {
  const reads = new Reads();
  expect(await placesOf([reads.disk(1, 2), reads.disk(1, 3)])).toEqual(['0.0', '0.1', '1.0', '1.1', '1.2']);
});

test('disks of several devices are read in turns, until each has ended', async () => {
  const reads = new Reads();
  const disks = [reads.disk(1, 2), reads.disk(2, 1), reads.disk(1, 1), reads.disk(3, 4)];
  expect(await placesOf(disks)).toEqual(['0.0', '1.0', '3.0', '0.1', '3.1', '2.0', '3.2', '3.3']);
  expect(reads.most).toBeGreaterThan(1);
});

test('what need not be read is passed over, however much it is', async () => {
  const reads = new Reads();
  const disks = [reads.disk(1, 20_000), reads.disk(2, 20_000)];
  expect(await placesOf(disks, (disk, index) => index !== 9000 + disk)).toEqual(['0.9000', '1.9001']);
});

test('when one fails, the others have ended before anybody hears of it', async () => {
  const reads = new Reads();
  await expect(placesOf([reads.disk(1, 4, true), reads.disk(2, 4)])).rejects.toThrow('it is broken');
  expect(reads.under_way).toBe(0);
});

test('fewer long extents are read ahead', () => {
  const disk = (size_bytes: number) => ({ layout: new ExtentLayout(size_bytes) }) as SourceDisk;
  expect(readAheadOf([disk(MEBIBYTE)])).toBe(3);
  expect(readAheadOf([disk(8 * TEBIBYTE)])).toBe(2);
  expect(readAheadOf([disk(MEBIBYTE), disk(16 * TEBIBYTE)])).toBe(1);
  expect(readAheadOf([])).toBe(3);
});
