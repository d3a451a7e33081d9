import { describe, expect, test } from 'vitest';
import { SendWindow } from '../../../../services/compute-agent/mover/sender/send-window.ts';

const at = (index: number, disk = 0) => ({ disk, index });

/** Whether it is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('a window', () => {
  test('has room until it is full, and again when something was acknowledged', async () => {
    const window = new SendWindow(10);
    await window.room(6);
    window.add(at(0), 0, 6);
    const second = window.room(6);
    expect(await isSettled(second)).toBe(false);
    window.acknowledge([at(0)]);
    await second;
  });

  test('lets what is longer than itself through alone', async () => {
    const window = new SendWindow(10);
    await window.room(16);
    window.add(at(0), 0, 16);
    const second = window.room(1);
    expect(await isSettled(second)).toBe(false);
    window.acknowledge([at(0)]);
    await second;
  });

  test('counts an acknowledgement once, however often it comes, and none of what it does not know', async () => {
    const window = new SendWindow(10);
    window.add(at(0), 0, 6);
    window.acknowledge([at(0), at(0), at(7), at(0, 1)]);
    window.add(at(1), 0, 6);
    expect(await isSettled(window.room(6))).toBe(false);
    expect(await isSettled(window.room(4))).toBe(true);
  });

  test('names what a stream that broke has sent and nobody acknowledged', async () => {
    const window = new SendWindow(100);
    for (const [index, stream] of [1, 2, 1, 0, 1].entries()) window.add(at(index, stream), stream, 10);
    window.acknowledge([at(2, 1)]);
    expect(window.lose(1)).toMatchObject([at(0, 1), at(4, 1)]);
    expect(window.lose(1)).toEqual([]);
    expect(await isSettled(window.room(80))).toBe(true);
    expect(await isSettled(window.room(81))).toBe(false);
  });

  test('sent again, an extent belongs to the stream that sent it last', () => {
    const window = new SendWindow(100);
    window.add(at(0), 1, 10);
    window.add(at(0), 2, 10);
    expect(window.lose(1)).toEqual([]);
    expect(window.lose(2)).toMatchObject([at(0)]);
  });

  test('tells whoever waits of the first failure', async () => {
    const window = new SendWindow(10);
    window.add(at(0), 0, 10);
    const waiting = window.room(1);
    window.fail(new Error('cut'));
    window.fail(new Error('later'));
    await expect(waiting).rejects.toThrow('cut');
    expect(() => window.check()).toThrow('cut');
  });
});
