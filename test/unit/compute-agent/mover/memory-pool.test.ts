import { describe, expect, test } from 'vitest';
import { MemoryPool } from '../../../../services/compute-agent/mover/disks/memory-pool.ts';

describe('a pool of memory', () => {
  test('hands out a bounded number of pieces, the same again and again', async () => {
    const pool = new MemoryPool(2);
    const first = await pool.take(10, null);
    const second = await pool.take(10, null);
    let third: Buffer | null = null;
    const waiting = pool.take(10, null).then((memory) => (third = memory));
    await new Promise((resolve) => setImmediate(resolve));
    expect(third).toBeNull();
    pool.give(second);
    expect(await waiting).toBe(second);
    pool.give(first);
    expect(await pool.take(5, null)).toBe(first);
  });

  test('a piece that is too short makes room for a longer one', async () => {
    const pool = new MemoryPool(1);
    const short = await pool.take(10, null);
    pool.give(short);
    const long = await pool.take(20, null);
    expect(long.length).toBe(20);
    pool.give(long);
    expect(await pool.take(10, null)).toBe(long);
  });

  test('a piece that could not be made does not count', async () => {
    const pool = new MemoryPool(1);
    const broken = { read: () => Promise.reject(new Error('the disk is gone')) };
    await expect(pool.take(10, broken as never)).rejects.toThrow('the disk is gone');
    expect((await pool.take(10, null)).length).toBe(10);
  });
});
