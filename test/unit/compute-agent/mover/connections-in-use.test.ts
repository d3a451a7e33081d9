import { beforeEach, describe, expect, test } from 'vitest';
import { ConnectionsInUse } from '../../../../services/compute-agent/mover/sender/connections-in-use.ts';

const MEBIBYTE = 1024 * 1024;
const EXTENTS = 1000;

let now_milliseconds: number;
/** Further connections that can be made. */
let available: number;
beforeEach(() => {
  now_milliseconds = 0;
  available = 7;
});
const host = { now_milliseconds: () => now_milliseconds, busy_milliseconds: () => 0 };

/** Sends extents of a MiB; each connection takes one in so many milliseconds, and that is all that takes time. */
async function send(connections: ConnectionsInUse, extents: number, milliseconds = 50): Promise<number[]> {
  const wanted: number[] = [];
  for (let extent = 0; extent < extents; extent += 1) {
    const open = Math.min(connections.wanted, 1 + available);
    const writes = Array.from({ length: open }, () => Promise.withResolvers<void>());
    const during = writes.map(({ promise }) => connections.during(promise, MEBIBYTE));
    now_milliseconds += milliseconds;
    for (const { resolve } of writes) resolve();
    await Promise.all(during);
    const left_bytes = (EXTENTS - extent) * MEBIBYTE;
    for (let put = 0; put < open; put += 1)
      connections.notePut({ open, packing: 0, plain_bytes: MEBIBYTE, left_bytes });
    wanted.push(connections.wanted);
  }
  return wanted;
}

const highest = (wanted: readonly number[]): number => Math.max(...wanted);

describe('a copy that is held up by its connections', () => {
  test('gets more of them, up to the most', async () => {
    const connections = new ConnectionsInUse({ connections: 3 }, host);
    connections.beginSession();
    expect(highest(await send(connections, 300))).toBe(3);
    expect(connections.open).toBe(3);
  });

  test('has one where no more are allowed', async () => {
    const connections = new ConnectionsInUse({}, host);
    connections.beginSession();
    expect(highest(await send(connections, 300))).toBe(1);
  });

  test('does without one that cannot be made', async () => {
    available = 0;
    const connections = new ConnectionsInUse({ connections: 3 }, host);
    connections.beginSession();
    expect(highest(await send(connections, 100))).toBe(2);
    connections.noteRefused(1);
    expect(highest(await send(connections, 100))).toBe(1);
  });
});

test('what is not given to the connections does not hold them up', async () => {
  const connections = new ConnectionsInUse({ connections: 3 }, host);
  connections.beginSession();
  for (let extent = 0; extent < 300; extent += 1) {
    now_milliseconds += 50;
    await send(connections, 1, 1);
  }
  expect(connections.wanted).toBe(1);
});

describe('connections that are known to pay', () => {
  test('are not made for a few extents', async () => {
    const connections = new ConnectionsInUse({ connections: 4, connections_min: 4 }, host);
    connections.beginSession();
    expect(highest(await send(connections, 31))).toBe(1);
    expect(await send(connections, 1)).toEqual([4]);
  });

  test('are made again in the next session once it has sent enough', async () => {
    const connections = new ConnectionsInUse({ connections: 2 }, host);
    connections.beginSession();
    expect((await send(connections, 300)).at(-1)).toBe(2);
    connections.beginSession();
    expect(highest(await send(connections, 31))).toBe(1);
    expect(await send(connections, 1)).toEqual([2]);
  });
});

test('of a write that fails nothing is counted', async () => {
  const connections = new ConnectionsInUse({ connections: 2, connections_min: 2 }, host);
  connections.beginSession();
  await expect(connections.during(Promise.reject(new Error('cut')), 64 * MEBIBYTE)).rejects.toThrow('cut');
  connections.notePut({ open: 1, packing: 0, plain_bytes: 0, left_bytes: MEBIBYTE });
  expect(connections.wanted).toBe(1);
});
