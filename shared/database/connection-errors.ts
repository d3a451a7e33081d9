/** Of sockets: the server is away, or the way to it. */
const socketCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** PostgreSQL, appendix A: it shuts down, has crashed, starts up, or has no connection to spare. */
const serverCodes: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '53300']);
/** What pg and its pool say without a code. */
const words =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** True when the database was not there to be asked: the same work may succeed when it is back. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string')
    return (
      socketCodes.has(code) ||
      // The database's own socket is not there; any other missing file is another matter.
      (code === 'ENOENT' && Reflect.get(error, 'syscall') === 'connect') ||
      serverCodes.has(code) ||
      code.startsWith('08')
    );
  return words.test(error.message) || isConnectionError(error.cause);
}

/** PostgreSQL, appendix A: lock_not_available. */
const LOCK_NOT_AVAILABLE = '55P03';

/** True when somebody else has held a lock for longer than this one was to wait: the same work may succeed later. */
export const isLockWaitError = (error: unknown): boolean =>
  error instanceof Error && Reflect.get(error, 'code') === LOCK_NOT_AVAILABLE;
