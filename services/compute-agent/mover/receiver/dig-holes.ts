import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { ZeroRun } from './staged-disk.ts';

/** Each run costs a process; more of them are cheaper as one look at the whole file, where there is time for it. */
const RUNS_MAX = 16;

/**
 * Turns zeros that were written over something into holes again. Node has no call for it; `fallocate` is in util-linux.
 * A file system that has no holes keeps the zeros: that is no failure.
 *
 * Exactly the runs are punched. `--dig-holes` with an offset and a length would find them itself, but digs a block too
 * far (util-linux 2.38) and takes data with it; over a whole file there is nothing beyond.
 * @param options.in_haste a guest may be off meanwhile: of many runs the longest are punched, and the file is not read
 */
export async function digHoles(
  folder: string,
  name: string,
  runs: readonly ZeroRun[],
  options: { readonly in_haste: boolean },
): Promise<void> {
  const path = join(folder, name);
  if (runs.length > RUNS_MAX && !options.in_haste) return fallocate(['--dig-holes', path]);
  const longest = [...runs].sort((a, b) => b.length - a.length).slice(0, RUNS_MAX);
  for (const { offset, length } of longest) {
    await fallocate(['--punch-hole', '--offset', String(offset), '--length', String(length), path]);
  }
}

function fallocate(arguments_: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    // Only an end with ours keeps it from digging in what the next receiver writes. A receiver that is killed between
    // the fork and setpriv's prctl leaves it alive all the same: about a millisecond, which nothing here closes.
    const command = ['--pdeathsig', 'KILL', '--', 'fallocate', ...arguments_];
    execFile('setpriv', command, { env: { PATH: process.env['PATH'] ?? '' } }, () => resolve());
  });
}
