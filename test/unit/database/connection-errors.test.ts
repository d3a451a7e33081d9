import { expect, test } from 'vitest';
import { isConnectionError, isLockWaitError } from '../../../shared/database/connection-errors.ts';

const coded = (code: string, more: object = {}) => Object.assign(new Error('x'), { code, ...more });

test.for<[string, unknown]>([
  ['nobody listens', coded('ECONNREFUSED')],
  ['a socket file that is not there', coded('ENOENT', { syscall: 'connect' })],
  ['a shutdown', coded('57P01')],
  ['a start', coded('57P03')],
  ['a lost connection', coded('08006')],
  ['a connection that ended under a statement', new Error('Connection terminated unexpectedly')],
  ['a cause', new Error('could not load', { cause: coded('ECONNRESET') })],
])('%s: the database was not there', ([, error]) => expect(isConnectionError(error)).toBe(true));

test.for<[string, unknown]>([
  ['a constraint', coded('23505')],
  ['a cancelled statement', coded('57014')],
  ['a missing file', coded('ENOENT', { syscall: 'open' })],
  ['an error of ours', new TypeError('undefined is no function')],
  ['no error', 'ECONNREFUSED'],
])('%s: the message itself has failed', ([, error]) => expect(isConnectionError(error)).toBe(false));

test.for<[string, unknown, boolean]>([
  ['a lock that somebody else keeps', coded('55P03'), true],
  ['a deadlock', coded('40P01'), false],
  ['no error', '55P03', false],
])('%s: whether it has waited for a lock', ([, error, waited]) =>
  expect(isLockWaitError(error)).toBe(waited),
);
