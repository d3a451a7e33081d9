import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { InstanceQueues, type Job } from '../../../services/compute-agent/commands/instance-queues.ts';
import { operationId } from '../../../shared/domain/ids.ts';
import { newInstanceId } from './samples.ts';

function harness() {
  const queues = new InstanceQueues();
  const log: string[] = [];
  const instance_id = newInstanceId();
  const operation_id = operationId(randomUUID());
  const add = (
    name: string,
    work: (signal: AbortSignal, interrupted: Promise<unknown>) => Promise<void>,
    change: Partial<Job> = {},
  ) =>
    queues.add({
      instance_id,
      operation_id: operationId(randomUUID()),
      interrupts_all: false,
      at_once: false,
      beside: false,
      outlives_agent: false,
      ...change,
      run: async (signal, interrupted) => {
        log.push(`${name} begins`);
        await work(signal, interrupted);
        log.push(`${name} ends`);
      },
    });
  return { queues, log, operation_id, add };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
const quick = async () => {};

test('one instance: one after the other; another instance does not wait', async () => {
  const { add, log } = harness();
  const gate = Promise.withResolvers<void>();
  const first = add('first', () => gate.promise);
  const second = add('second', quick);
  await add('elsewhere', quick, { instance_id: newInstanceId() });
  expect(log).toEqual(['first begins', 'elsewhere begins', 'elsewhere ends']);
  gate.resolve();
  await Promise.all([first, second]);
  expect(log.slice(3)).toEqual(['first ends', 'second begins', 'second ends']);
});

test('a newer command of the operation ends the older one first', async () => {
  const { add, log, operation_id } = harness();
  const hanging = add('copy', untilAborted, { operation_id });
  await Promise.resolve();
  await Promise.all([hanging, add('undo', quick, { operation_id })]);
  expect(log).toEqual(['copy begins', 'copy ends', 'undo begins', 'undo ends']);
});

test('one that runs at once begins at once, and can wait for what it interrupted', async () => {
  const { add, log, operation_id } = harness();
  const gate = Promise.withResolvers<void>();
  const copy = add('copy', () => gate.promise, { operation_id });
  await Promise.resolve();
  const untilEnded = (_: AbortSignal, interrupted: Promise<unknown>) => interrupted.then(() => undefined);
  const abort = add('abort', untilEnded, { operation_id, at_once: true });
  expect(log).toEqual(['copy begins', 'abort begins']);
  gate.resolve();
  await Promise.all([copy, abort]);
  expect(log.slice(2)).toEqual(['copy ends', 'abort ends']);
});

test('closing aborts what this process does, not what goes on without it', async () => {
  const { queues, add } = harness();
  const signals: AbortSignal[] = [];
  const keep = (signal: AbortSignal) => {
    signals.push(signal);
    return Promise.resolve();
  };
  const gate = Promise.withResolvers<void>();
  const hold = (signal: AbortSignal) => keep(signal).then(() => gate.promise);
  const jobs = [add('stop', hold), add('copy', hold, { outlives_agent: true, instance_id: newInstanceId() })];
  await new Promise((resolve) => setImmediate(resolve));
  queues.close();
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  gate.resolve();
  await Promise.all(jobs);
});

test('a job beside others neither waits for them nor aborts them', async () => {
  const { log, operation_id, add } = harness();
  const copying = Promise.withResolvers<void>();
  let aborted = false;
  const copy = add(
    'copy',
    async (signal) => {
      await copying.promise;
      aborted = signal.aborted;
    },
    { operation_id },
  );
  await add('limit', async () => {}, { operation_id, beside: true });
  expect(log).toContain('limit ends');
  expect(log).not.toContain('copy ends');
  copying.resolve();
  await copy;
  expect(aborted).toBe(false);
});
