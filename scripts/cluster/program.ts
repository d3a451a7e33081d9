import { relative } from 'node:path';
import { inspect } from 'node:util';

/** Wrong command line: told in one line, exit code 64 (EX_USAGE). */
class UsageError extends Error {}

export const usageError = (message: string): Error => new UsageError(message);

/** @throws a usage error unless `text` is a whole number within the bounds; undefined becomes null */
export function wholeNumber(
  option: string,
  text: string | undefined,
  lowest: number,
  highest: number,
): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < lowest || value > highest)
    throw usageError(`${option} takes a whole number from ${lowest} to ${highest}, not "${text}"`);
  return value;
}

/** A folder as a person would name it from where they are: a way up and down again is harder to read than the whole path. */
export function shownFolder(folder: string): string {
  const near = relative(process.cwd(), folder) || '.';
  return near.startsWith('..') ? folder : near;
}

/**
 * Runs a program to its exit code. An error of the world is told in its own words; DROVER_DEBUG=1 adds where
 * it came from.
 */
export async function runProgram(main: (argv: readonly string[]) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    const usage = error instanceof UsageError || isParseError(error);
    process.stderr.write(`${describe(error)}${usage ? '\nTry --help.' : ''}\n`);
    process.exitCode = usage ? 64 : 1;
  }
}

const isParseError = (error: unknown) =>
  error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');

function describe(error: unknown): string {
  if (process.env['DROVER_DEBUG'] === '1' || !(error instanceof Error)) return inspect(error);
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) causes.push(cause.message);
  return [error.message, ...causes.map((cause) => `because: ${cause}`)].join('\n');
}
