import { expect, test } from 'vitest';
import { requestId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { createLogger, forRequest, type Logger } from '../../../shared/logging/logger.ts';

function logged(write: (log: Logger) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(
    createLogger({
      process_name: 'api',
      level: 'info',
      destination: { write: (line: string) => void lines.push(line) },
    }),
  );
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

test('a line has process, level in words, time and request id', () => {
  expect(logged((log) => forRequest(log, requestId('req-1')).info('x'))).toMatchObject({
    process: 'api',
    level: 'info',
    request_id: 'req-1',
    msg: 'x',
    time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
});

test('secrets are hidden wherever they stand', () => {
  const line = logged((log) =>
    log.info(
      {
        password: 'hidden',
        user: { token: 'hidden', name: 'kept' },
        request: { headers: { 'x-auth-token': 'hidden' }, body: { adminPass: 'hidden' } },
      },
      'x',
    ),
  );
  expect(JSON.stringify(line)).not.toContain('hidden');
  expect(line['user']).toMatchObject({ name: 'kept' });
});

test('an error is written with its causes, each text once, and a stack for bugs only', () => {
  const inner = new Error('connect ECONNREFUSED');
  const error = new DroverError(
    'broker_unavailable',
    { broker: 'h:1', reason: 'refused' },
    { cause: new Error('connect ECONNREFUSED', { cause: inner }) },
  );
  expect(logged((log) => log.error({ error }, 'x'))['error']).toEqual({
    name: 'DroverError',
    code: 'broker_unavailable',
    message: 'The message broker at h:1 is not available: refused.',
    causes: [{ name: 'Error', message: 'connect ECONNREFUSED' }],
  });
  expect(logged((log) => log.error({ error: new Error('bug') }, 'x'))['error']).toHaveProperty('stack');
});

test('causes that go round in a circle end', () => {
  const first = new Error('first');
  const second = new Error('second', { cause: first });
  first.cause = second;
  expect(logged((log) => log.error({ error: first }, 'x'))['error']).toMatchObject({
    causes: [{ message: 'second' }],
  });
});
