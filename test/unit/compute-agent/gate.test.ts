import { describe, expect, test } from 'vitest';
import type { CommandMessage, StepDone } from '../../../shared/messaging/messages.ts';
import { Gate } from '../../../services/compute-agent/commands/gate.ts';
import { HOST, sampleCommand } from './samples.ts';

const first = sampleCommand('power_on', {});
const now = Date.now();
const gate = (knownEpoch = 0) => new Gate({ host: HOST, knownEpoch: () => knownEpoch });
const again = (change: Partial<CommandMessage>) => ({ ...first, ...change });
const answer = { type: 'step_done', summary: 'done' } as StepDone;

describe('what passes', () => {
  test('a command in time, and a newer attempt of it', () => {
    const one = gate();
    expect(one.consider(first, now)).toEqual({ type: 'run' });
    expect(one.consider(again({ attempt: 2, fencing: 2 }), now)).toEqual({ type: 'run' });
  });

  test('another operation with a lower fencing number: they are counted per operation', () => {
    const one = gate();
    one.consider(again({ fencing: 9 }), now);
    const other = sampleCommand(
      'power_off',
      { shutdown_timeout_seconds: 1 },
      { instance_id: first.instance_id },
    );
    expect(one.consider(other, now)).toEqual({ type: 'run' });
  });
});

test.each([
  ['its deadline passed', gate(), first, Date.parse(first.deadline_at), 'drop'],
  ['the folder has seen a higher epoch', gate(2), first, now, 'refuse'],
])('%s: it does not run', (_, one, message, time, type) => {
  expect(one.consider(message, time).type).toBe(type);
});

test('a lower epoch than a command brought is refused', () => {
  const one = gate();
  one.consider(again({ epoch: 5 }), now);
  expect(one.consider(again({ attempt: 2, epoch: 4 }), now)).toMatchObject({
    type: 'refuse',
    error: { code: 'stale_epoch', values: { epoch: 4, seen: 5 } },
  });
});

test('a lower fencing number of the operation is refused', () => {
  const one = gate();
  one.consider(again({ fencing: 3 }), now);
  expect(one.consider(again({ attempt: 2, fencing: 2 }), now)).toMatchObject({
    type: 'refuse',
    error: { code: 'stale_fencing' },
  });
});

test('an older attempt that comes after a newer one is dropped, but what is owed is done', () => {
  const one = gate();
  one.consider(again({ attempt: 7 }), now);
  expect(one.consider(again({ attempt: 6 }), now).type).toBe('drop');
  expect(one.consider(again({ attempt: 5, command: 'destroy' }), now).type).toBe('run');
});

test('a command is not started twice, and a repeated one has its recorded answer', () => {
  const one = gate();
  one.consider(first, now);
  expect(one.consider(first, now)).toEqual({ type: 'running' });
  one.finish(first, answer);
  expect(one.consider(first, now)).toEqual({ type: 'answered', answer });
  // The answer is a fact: neither time nor a newer scheduler changes it.
  one.consider(again({ attempt: 2, fencing: 9, epoch: 9 }), now);
  expect(one.consider(first, now + 10 ** 9)).toEqual({ type: 'answered', answer });
});

test('a command that ended without an answer runs again', () => {
  const one = gate();
  one.consider(first, now);
  one.finish(first, null);
  expect(one.consider(first, now)).toEqual({ type: 'run' });
});
