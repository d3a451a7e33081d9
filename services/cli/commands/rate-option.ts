import { CommandFailure, ExitCode } from '../exit-codes.ts';
import { parseRate } from '../output/sizes.ts';

/** Options by which a person governs a migration, at its start and later. */
export const limitOption = {
  type: 'string',
  describe: 'Send no faster than this: 50MiB/s, 50MB/s, 1GiB/s; 0: no limit',
} as const;

export const priorityOption = {
  type: 'number',
  describe: 'Place among those that wait for their turn to copy: the larger goes first (-1000 to 1000)',
} as const;

/** The rate of --limit in bytes per second. @throws CommandFailure usage */
export function rateOf(value: string): number {
  try {
    return parseRate(value);
  } catch (error) {
    throw new CommandFailure(
      ExitCode.usage,
      `--limit: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}
