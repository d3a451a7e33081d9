import type { FileHandle } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GuestWriter } from '../../../services/compute-agent/hypervisor/fake/guest-writer.ts';
import { instanceId } from '../../../shared/domain/ids.ts';

let writes = 0;
let is_full = true;

vi.mock('node:fs/promises', () => ({
  open: (): Promise<Partial<FileHandle>> =>
    Promise.resolve({
      stat: () => Promise.resolve({ size: 1024 ** 2, isBlockDevice: () => false }) as never,
      write: () => {
        writes += 1;
        return is_full ? Promise.reject(new Error('ENOSPC')) : (Promise.resolve({}) as never);
      },
      close: () => Promise.resolve(),
    }),
}));

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('a full disk is the trouble of its guest, not of the agent: nothing is thrown, and it writes again later', async () => {
  const writer = new GuestWriter({
    id: instanceId('11111111-1111-4111-8111-111111111111'),
    path: '/disk',
    written_blocks: 7,
    rate: () => 1024 ** 2,
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(writes).toBeGreaterThan(1);
  is_full = false;
  await vi.advanceTimersByTimeAsync(200);
  expect(await writer.end()).toBeGreaterThan(7);
});
