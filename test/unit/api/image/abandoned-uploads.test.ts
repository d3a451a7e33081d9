import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { showUpload } from '../../../../services/api/image/abandoned-uploads.ts';
import type { Pool } from '../../../../shared/database/connect.ts';
import { imageId } from '../../../../shared/domain/ids.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('an upload that takes hours shows itself often enough, until it has ended', () => {
  const query = vi.fn(() => Promise.reject(new Error('the database is away')));
  const id = imageId('6f9619ff-8b86-4011-b42d-00cf4fc964ff');
  const stop = showUpload({ query } as unknown as Pool, id, pino({ level: 'silent' }));
  vi.advanceTimersByTime(3_600_000);
  expect(query.mock.calls.length).toBeGreaterThanOrEqual(3);
  expect(query).toHaveBeenLastCalledWith(expect.stringContaining('updated_at = now()'), [id]);
  stop();
  query.mockClear();
  vi.advanceTimersByTime(3_600_000);
  expect(query).not.toHaveBeenCalled();
});
