import { pino, type DestinationStream, type LevelWithSilent, type Logger as PinoLogger } from 'pino';
import type { RequestId } from '../domain/ids.ts';
import { describeError } from './describe-error.ts';

/** One JSON line per entry on stdout. Who keeps the lines (journald, a file) is not the process's business. */
export type Logger = PinoLogger;

export interface LoggerOptions {
  /** `api`, `scheduler`, `agent`, …: field `process` of every line. */
  readonly process_name: string;
  readonly level: LevelWithSilent;
  /** Tests read the lines here. Default: stdout. */
  readonly destination?: DestinationStream;
}

/** Keys whose values never reach a log, wherever up to three levels deep they stand. */
const SECRET_KEYS = [
  'password',
  'adminPass',
  'admin_pass',
  'token',
  'secret',
  'private_key',
  'transport_url',
  'connection_string',
  'ticket',
  'authorization',
  'x-auth-token',
  'x-subject-token',
  'x-drover-image-ticket',
];

/**
 * Makes the logger of a process. Pass an error as field `error`: it is written once with its whole chain of causes.
 */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: { process: options.process_name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: describeError, err: describeError },
    redact: { paths: SECRET_KEYS.flatMap((key) => redactedPaths(key)), censor: '***' },
  };
  // A least length, though the smallest: without one pino's flush does not wait for what is being written.
  return pino(settings, options.destination ?? pino.destination({ minLength: 1 }));
}

/**
 * Resolves when all lines so far are written. To be awaited before a process ends: the lines go out in the background,
 * and what an exit still finds waiting it writes at once, past a line that is just then being written.
 */
export async function logWritten(log: Logger): Promise<void> {
  // Its failure is that a pipe cannot be brought to disk.
  await new Promise<void>((resolve) => log.flush(() => resolve()));
}

/** A logger whose every line carries the request id of the API call that all this happens for. */
export function forRequest(log: Logger, requestId: RequestId): Logger {
  return log.child({ request_id: requestId });
}

function redactedPaths(key: string): string[] {
  const place = /^\w+$/.test(key) ? `.${key}` : `["${key}"]`;
  const top = /^\w+$/.test(key) ? key : `["${key}"]`;
  return [top, `*${place}`, `*.*${place}`];
}
