import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SharedWork, type Asker } from '../../../services/compute-agent/images/shared-work.ts';

class Wanting implements Asker {
  readonly abort = new AbortController();
  readonly signal = this.abort.signal;
  signs = 0;
  readonly atWork = () => void (this.signs += 1);
}

/** Work that ends when the test says so; it tells how often it was begun. */
class Work {
  begun = 0;
  all: Asker | null = null;
  end: (result: string) => void = () => undefined;
  readonly run = (all: Asker): Promise<string> => {
    this.begun += 1;
    this.all = all;
    return new Promise((resolve, reject) => {
      this.end = resolve;
      all.signal.addEventListener('abort', () => reject(all.signal.reason as Error));
    });
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('many share one; who leaves gets away at once, and the others their result', async () => {
  const [shared, work, one, two] = [new SharedWork<string>(), new Work(), new Wanting(), new Wanting()];
  const first = shared.join('a', one, work.run);
  const second = shared.join('a', two, work.run);
  work.all?.atWork();
  one.abort.abort(new Error('a newer command'));
  await expect(first).rejects.toThrow('a newer command');
  work.all?.atWork();
  await vi.advanceTimersByTimeAsync(5000);
  expect(work.all?.signal.aborted).toBe(false);
  work.end('done');
  expect(await second).toBe('done');
  expect([work.begun, one.signs, two.signs]).toEqual([1, 1, 2]);
});

test('what nobody wants is aborted after a second, and begun anew for the next', async () => {
  const [shared, work, one, two] = [new SharedWork<string>(), new Work(), new Wanting(), new Wanting()];
  const first = shared.join('a', one, work.run);
  one.abort.abort(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  const unwanted = work.all;
  await vi.advanceTimersByTimeAsync(1000);
  expect(unwanted?.signal.aborted).toBe(true);
  const second = shared.join('a', two, work.run);
  work.end('anew');
  expect([await second, work.begun]).toEqual(['anew', 2]);
});

test('a command that is sent again finds the work still running', async () => {
  const [shared, work, one, two] = [new SharedWork<string>(), new Work(), new Wanting(), new Wanting()];
  const first = shared.join('a', one, work.run);
  one.abort.abort(new Error('again'));
  await expect(first).rejects.toThrow('again');
  const second = shared.join('a', two, work.run);
  await vi.advanceTimersByTimeAsync(5000);
  work.end('done');
  expect([await second, work.begun]).toEqual(['done', 1]);
});
