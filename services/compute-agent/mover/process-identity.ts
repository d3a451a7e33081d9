import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/**
 * A process that was started by us: its pid, and its start time, because pids are used again. Before a signal is
 * sent, its command line must bear our mark as well.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot: field 22 of /proc/PID/stat. */
  readonly start_ticks: number;
}

/** @returns null when no such process runs. A zombie does not run, unless a thread of it hangs in the kernel. */
export function identityOf(pid: number): ProcessIdentity | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  return hasEnded(text) && threadsOf(pid) <= 1 ? null : identityIn(text);
}

/** That its first thread has: others may still be in a call that no signal ends. */
const hasEnded = (stat: string): boolean => ['Z', 'X'].includes(fieldsOf(stat)[0] ?? '');

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

/** @param stat what /proc/PID/stat says. @returns nobody's identity for anything else */
export const identityIn = (stat: string): ProcessIdentity => ({
  pid: Number.parseInt(stat, 10),
  start_ticks: Number(fieldsOf(stat)[19]),
});

/** Those behind the name, which stands in parentheses and may hold anything. */
const fieldsOf = (stat: string): readonly string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

export function isRunning(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.start_ticks === identity.start_ticks;
}

/**
 * Kills the process if it is provably the recorded one and its command line holds `mark`.
 * @returns false when there is nothing (of ours) to kill
 */
export function killIfOurs(identity: ProcessIdentity, mark: string): boolean {
  const { pid } = identity;
  if (!isRunning(identity)) return false;
  const marks = commandLineOf(pid);
  // One that has ended but for its threads has no command line any more.
  if (!marks.includes(mark) && marks.join('') !== '') return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** A killed process that is still there after this hangs in the kernel: on a dead mount, a dying disk. */
const GONE_SECONDS_MAX = 10;
const GONE_POLL_SECONDS = 0.005;

/**
 * Waits until a process that was killed is gone: until then it may still write.
 * @param what it is for people
 * @throws DroverError mover_process_stuck when it stays
 */
export async function untilGone(
  identity: ProcessIdentity,
  what: string,
  seconds_max = GONE_SECONDS_MAX,
): Promise<void> {
  const deadline = performance.now() + seconds_max * 1000;
  while (isRunning(identity)) {
    if (performance.now() > deadline) {
      throw new DroverError('mover_process_stuck', { what, pid: identity.pid, seconds: seconds_max });
    }
    await pause(GONE_POLL_SECONDS * 1000);
  }
}

function commandLineOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
