import { describe, expect, test } from 'vitest';
import { isAgentEvent, isWake } from '../../../../services/scheduler/drive/message-shapes.ts';

const id = '6f9619ff-8b86-4011-b42d-00cf4fc964ff';
const done = {
  type: 'step_done',
  host: 'c1',
  request_id: 'req-1',
  operation_id: id,
  step: 'copy',
  direction: 'action',
  attempt: 1,
  command: 'copy',
  summary: '',
  result: {},
};

describe('messages of the scheduler queue', () => {
  test('what agents send is taken', () => {
    expect(isAgentEvent(done)).toBe(true);
    const { result: _result, ...rest } = done;
    expect(isAgentEvent({ ...rest, type: 'step_failed', code: 'x', message: 'y', retriable: false })).toBe(
      true,
    );
    expect(isAgentEvent({ ...rest, type: 'step_progress', progress: null })).toBe(true);
    expect(isWake({ type: 'wake', operation_id: id })).toBe(true);
    expect(isWake({ type: 'wake', operation_id: null })).toBe(true);
  });

  test.for<[string, unknown]>([
    ['no object', 'step_done'],
    ['null', null],
    ['a list', [done]],
    ['an unknown type', { ...done, type: 'step_forgotten' }],
    ['no host', { ...done, host: undefined }],
    ['an operation that is no uuid', { ...done, operation_id: `${id}' or true` }],
    ['a direction that does not exist', { ...done, direction: 'sideways' }],
    ['an attempt that is no number', { ...done, attempt: '1' }],
    ['no result', { ...done, result: null }],
    ['a failure without its words', { ...done, type: 'step_failed', code: 'x' }],
    ['progress without numbers', { ...done, type: 'step_progress', progress: { round: 1 } }],
    ['a report about another host', { ...done, type: 'host_reported', report: { host: 'c2' } }],
    ['a wake for something else', { type: 'wake', operation_id: 7 }],
  ])('%s is none', ([, body]) => {
    expect(isAgentEvent(body)).toBe(false);
    expect(isWake(body)).toBe(false);
  });
});
