import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** Each run costs a process; more of them are cheaper as one look at the whole file, where there is time for it. */
const RUNS_MAX = 16;

/**
 * Turns zeros that were written over something into holes again. Node has no call for it; `fallocate` is in util-linux.
 * A file system that has no holes keeps the zeros: that is no failure.
 * @param options.in_haste a guest may be off meanwhile: many runs are left as zeros, and the whole file is never read
 */
export async function digHoles(
  folder: string,
  name: string,
  runs: readonly { readonly offset: number; readonly length: number }[],
  options: { readonly in_haste: boolean },
): Promise<void> {
  const path = join(folder, name);
  if (runs.length > RUNS_MAX && !options.in_haste) return fallocate(['--dig-holes', path]);
  for (const { offset, length } of runs.slice(0, RUNS_MAX)) {
    await fallocate(['--dig-holes', '--offset', String(offset), '--length', String(length), path]);
  }
}

function fallocate(arguments_: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    execFile('fallocate', arguments_, { env: { PATH: process.env['PATH'] ?? '' } }, () => resolve());
  });
}
