import { errorRegistry, type ErrorCode, type ErrorEntry } from './registry.ts';

/** Values that fill the `{name}` places of a message template. */
export type ErrorValues = Readonly<Record<string, string | number>>;

/**
 * The one class for errors of the world (bad input, refused state, a host that does not answer).
 * Match by `code`, never by text or class. Our own bugs are plain `Error`s and crash the process.
 */
export class DroverError extends Error {
  readonly code: ErrorCode;
  readonly http_status: number;
  readonly advice: string;
  readonly values: ErrorValues;

  /** @param values must name every `{place}` of the registered message. */
  constructor(code: ErrorCode, values: ErrorValues = {}, options: { cause?: unknown } = {}) {
    const entry: ErrorEntry = errorRegistry[code];
    super(fill(entry.message, values), options);
    this.name = 'DroverError';
    this.code = code;
    this.http_status = entry.http_status;
    this.advice = fill(entry.advice, values);
    this.values = values;
  }
}

function fill(template: string, values: ErrorValues): string {
  return template.replaceAll(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

/** True for a DroverError with one of these codes. */
export function isDroverError(error: unknown, ...codes: readonly ErrorCode[]): error is DroverError {
  return error instanceof DroverError && (codes.length === 0 || codes.includes(error.code));
}
