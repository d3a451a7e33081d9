import { DroverError } from '../errors/drover-error.ts';

export interface ErrorDescription {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  /** Of the outermost error only where it is an error of the world; bugs keep theirs. */
  readonly stack?: string;
  /** Why, from near to far. Each text once: a cause that only repeats the text above it is left out. */
  readonly causes?: ReadonlyArray<{
    readonly name: string;
    readonly code?: string;
    readonly message: string;
  }>;
}

const MAX_CAUSES = 10;

/** An error with its chain of causes as data for a log line. Anything can be thrown, so anything is taken. */
export function describeError(error: unknown): ErrorDescription {
  const own = describeOne(error);
  const causes: Array<ReturnType<typeof describeOne>> = [];
  const seen = new Set<unknown>([error]);
  let above = own.message;
  let current = error instanceof Error ? error.cause : undefined;
  while (current !== undefined && current !== null && !seen.has(current) && causes.length < MAX_CAUSES) {
    seen.add(current);
    const cause = describeOne(current);
    if (cause.message !== above) causes.push(cause);
    above = cause.message;
    current = current instanceof Error ? current.cause : undefined;
  }
  // An error of the world is explained by its text; where it was made matters for bugs only.
  const stack = error instanceof Error && !(error instanceof DroverError) ? error.stack : undefined;
  return { ...own, ...(stack === undefined ? {} : { stack }), ...(causes.length === 0 ? {} : { causes }) };
}

function describeOne(error: unknown): { name: string; code?: string; message: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: error.message,
  };
}
