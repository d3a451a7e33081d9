import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { identityOf, untilGone } from '../process-identity.ts';
import { onDisk } from './failures.ts';
import type { ZeroRun } from './zero-runs.ts';

/**
 * So many runs of zeros become holes again, the longest: each costs a process, some milliseconds, and a guest may be off
 * meanwhile. What is left are zeros, as they should be.
 */
const RUNS_MAX = 512;
/** In a round that follows others: how long it takes was predicted. */
const HASTY_RUNS_MAX = 16;
/** One hole takes milliseconds; one that takes so long is left as zeros, and so are those behind it. */
const HOLE_SECONDS_MAX = 15;
/** So long a digging process that was killed may stay: one that hangs in the kernel may still dig. */
const GONE_SECONDS_MAX = 10;

/** A disk as far as holes can be dug in it. */
export interface DugDisk {
  readonly name: string;
  takeZeroRuns(most: number): readonly ZeroRun[];
  flush(): Promise<void>;
}

/**
 * Digs holes where zeros were written over something, and makes them durable.
 * @param options.onDug hears of each run
 * @throws DiskFailure
 */
export async function digZeros(
  disks: readonly DugDisk[],
  options: { readonly folder: string; readonly in_haste: boolean; readonly onDug: () => void },
): Promise<void> {
  const { folder, in_haste, onDug } = options;
  for (const disk of disks) {
    const runs = disk.takeZeroRuns(in_haste ? HASTY_RUNS_MAX : RUNS_MAX);
    if (runs.length === 0) continue;
    await onDisk(disk.name, () => digHoles(folder, disk.name, runs, onDug));
    await onDisk(disk.name, () => disk.flush());
  }
}

/**
 * Turns zeros that were written over something into holes again. Node has no call for it; `fallocate` is in util-linux.
 * A file system that has no holes keeps the zeros: that is no failure.
 *
 * Exactly the runs are punched, each by a process. `--dig-holes` would find all by itself, but reads the whole file for
 * it, while a guest may be off; with an offset and a length it digs a block too far (util-linux 2.38) and takes data
 * with it.
 * @param onDug hears of each run
 * @param seconds_max for one run
 * @throws DroverError mover_process_stuck
 */
export async function digHoles(
  folder: string,
  name: string,
  runs: readonly ZeroRun[],
  onDug: () => void,
  seconds_max = HOLE_SECONDS_MAX,
): Promise<void> {
  const path = join(folder, name);
  for (const { offset, length } of runs) {
    const punch = ['--punch-hole', '--offset', String(offset), '--length', String(length), path];
    const in_time = await fallocate(punch, seconds_max);
    onDug();
    if (!in_time) return;
  }
}

/** @returns false when it took too long and was ended */
function fallocate(arguments_: readonly string[], seconds_max: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // Only an end with ours keeps it from digging in what the next receiver writes. A receiver that is killed between
    // the fork and setpriv's prctl leaves it alive all the same: about a millisecond, which nothing here closes.
    const command = ['--pdeathsig', 'KILL', '--', 'fallocate', ...arguments_];
    const child = execFile('setpriv', command, { env: { PATH: process.env['PATH'] ?? '' } }, () => {
      clearTimeout(timer);
      resolve(!child.killed);
    });
    // Not execFile's own timeout: that one waits for an end that may never come.
    const timer = setTimeout(() => {
      const digging = child.pid === undefined ? null : identityOf(child.pid);
      child.kill('SIGKILL');
      if (digging !== null) untilGone(digging, 'process that digs holes', GONE_SECONDS_MAX).catch(reject);
    }, seconds_max * 1000);
  });
}
