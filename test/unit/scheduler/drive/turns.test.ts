import { expect, test } from 'vitest';
import { Turns } from '../../../../services/scheduler/drive/turns.ts';

test('work of one key runs in order and never together, also after a failure; other keys do not wait', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.take('a', async () => {
    log.push('a1 begins');
    await gate.promise;
    log.push('a1 fails');
    throw new Error('a1');
  });
  const second = turns.take('a', async () => {
    log.push('a2');
    return await Promise.resolve(2);
  });
  await turns.take('b', async () => {
    log.push('b');
    await Promise.resolve();
  });
  expect(log).toEqual(['a1 begins', 'b']);
  gate.resolve();
  await expect(first).rejects.toThrow('a1');
  expect(await second).toBe(2);
  expect(log).toEqual(['a1 begins', 'b', 'a1 fails', 'a2']);
});
