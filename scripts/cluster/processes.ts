import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Starting, recognising and ending processes. A bare pid proves nothing: it may belong to somebody else by
 * now. Ours is what has the pid *and* the start time that we wrote down, what descends from such a process, or
 * what carries this cluster's random id in its environment. Nothing else is ever signalled.
 */
export interface ProcessRecord {
  readonly pid: number;
  /** Start time in clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly start_ticks: number;
}

/** The environment variable that marks every process of a cluster, and its movers with them. */
export const CLUSTER_MARK = 'DROVER_CLUSTER';

export interface SpawnOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly log_file: string;
  /** Run as this user and group instead of our own. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Told at once, before anything is waited for: what is not written down cannot be ended later. */
  readonly on_spawn?: (record: ProcessRecord) => void;
}

/** Starts a process that outlives us, in a session of its own; its output is appended to the log file. */
export async function spawnDetached(options: SpawnOptions): Promise<ProcessRecord> {
  const log = openSync(options.log_file, 'a', 0o600);
  try {
    const child = spawn(options.command, [...options.arguments], {
      cwd: options.folder,
      env: options.environment,
      detached: true,
      stdio: ['ignore', log, log],
      ...options.user,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const record = child.pid === undefined ? null : recordOf(child.pid);
    if (record === null) throw new Error(`${options.command} ended at once; see ${options.log_file}`);
    options.on_spawn?.(record);
    return record;
  } finally {
    closeSync(log);
  }
}

export interface ProcessFact extends ProcessRecord {
  readonly parent_pid: number;
}

/** Null for a process that does not exist or has ended and only waits for its parent (zombie). */
function factOf(pid: number): ProcessFact | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The name in parentheses may hold anything, blanks and parentheses too: count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  if (state === 'Z' || state === 'X' || state === undefined) return null;
  return { pid, parent_pid: Number(parent), start_ticks: Number(fields[19]) };
}

export function recordOf(pid: number): ProcessRecord | null {
  const fact = factOf(pid);
  return fact === null ? null : { pid: fact.pid, start_ticks: fact.start_ticks };
}

/** True while the recorded process itself, not a later one with its pid, is running. */
export function isAlive(record: ProcessRecord | undefined): record is ProcessRecord {
  return record !== undefined && factOf(record.pid)?.start_ticks === record.start_ticks;
}

/** Sends a signal to the recorded process if it still is the one that was recorded. */
export function signal(record: ProcessRecord, name: NodeJS.Signals): void {
  if (!isAlive(record)) return;
  try {
    process.kill(record.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Everything that runs on this machine now. */
export function allProcesses(): ProcessFact[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => factOf(Number(name)))
    .filter((fact) => fact !== null);
}

/** Null for a process that has ended. */
export function workingFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

function carriesMark(pid: number, cluster_id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .includes(`${CLUSTER_MARK}=${cluster_id}`);
  } catch {
    return false;
  }
}

/**
 * Every running process of a cluster: the recorded ones, those that carry its mark, and all descendants
 * (sshd's sessions clear their environment, PostgreSQL overwrites it).
 */
export function processesOf(cluster_id: string, recorded: readonly ProcessRecord[]): ProcessRecord[] {
  const facts = allProcesses().filter((fact) => fact.pid !== process.pid);
  const ours = new Map<number, ProcessFact>();
  for (const fact of facts) {
    const known = recorded.some(
      (record) => record.pid === fact.pid && record.start_ticks === fact.start_ticks,
    );
    if (known || carriesMark(fact.pid, cluster_id)) ours.set(fact.pid, fact);
  }
  for (let grown = true; grown;) {
    grown = false;
    for (const fact of facts)
      if (!ours.has(fact.pid) && ours.has(fact.parent_pid)) {
        ours.set(fact.pid, fact);
        grown = true;
      }
  }
  return [...ours.values()].map(({ pid, start_ticks }) => ({ pid, start_ticks }));
}

export interface Wait {
  /** What is waited for, for the error: "PostgreSQL to answer on port 5432". */
  readonly name: string;
  readonly timeout_seconds: number;
  /** Where to look when it fails. */
  readonly log_file?: string;
  /** The wait ends at once when this process ends. */
  readonly process?: ProcessRecord;
}

const PROBE_INTERVAL_MS = 25;
const LOG_TAIL_LINES = 12;

/**
 * Repeats `probe` until it returns something other than null or false. A probe that throws has not succeeded
 * yet; its last error becomes the cause.
 * @throws Error naming what was waited for, with the end of the log, after the time or when the process has ended.
 */
export async function waitFor<Found>(
  wait: Wait,
  probe: () => Promise<Found | null | false> | Found | null | false,
): Promise<Found> {
  const deadline = performance.now() + wait.timeout_seconds * 1000;
  let cause: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== null && found !== false) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const ended = wait.process !== undefined && !isAlive(wait.process);
    if (ended || performance.now() > deadline) {
      const why = ended ? 'its process has ended' : `not within ${wait.timeout_seconds} s`;
      throw new Error(`waited for ${wait.name}: ${why}${tailOf(wait.log_file)}`, { cause });
    }
    await delay(PROBE_INTERVAL_MS);
  }
}

function tailOf(log_file: string | undefined): string {
  if (log_file === undefined) return '';
  try {
    const lines = readFileSync(log_file, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES);
    return `\n--- end of ${log_file}\n${lines.join('\n')}`;
  } catch {
    return '';
  }
}

/**
 * Ends one recorded process: TERM (or the signal given), then KILL after the grace time.
 * @returns when it no longer runs.
 */
export async function endProcess(
  record: ProcessRecord,
  options: { readonly signal?: NodeJS.Signals; readonly grace_seconds?: number } = {},
): Promise<void> {
  signal(record, options.signal ?? 'SIGTERM');
  try {
    await waitFor(
      { name: `process ${record.pid} to end`, timeout_seconds: options.grace_seconds ?? 3 },
      () => !isAlive(record),
    );
  } catch {
    signal(record, 'SIGKILL');
    await waitFor(
      { name: `killed process ${record.pid} to end`, timeout_seconds: 5 },
      () => !isAlive(record),
    );
  }
}

/**
 * Ends everything of a cluster with KILL, again and again until nothing of it is left: a process may have
 * started another between our look and our signal.
 * @throws Error naming the processes that could not be ended
 */
export async function killAllOf(cluster_id: string, recorded: readonly ProcessRecord[]): Promise<void> {
  // What once was ours stays ours: a descendant loses its parent when that is killed first.
  const ours = new Map(recorded.map((record) => [`${record.pid}:${record.start_ticks}`, record]));
  await waitFor({ name: `the processes of cluster ${cluster_id} to end`, timeout_seconds: 15 }, () => {
    const running = processesOf(cluster_id, [...ours.values()]);
    for (const record of running) {
      ours.set(`${record.pid}:${record.start_ticks}`, record);
      signal(record, 'SIGKILL');
    }
    return running.length === 0;
  });
}

/**
 * The environment of our processes: no more of the caller's than they need, and never its OS_* or DROVER_* settings.
 * @param cluster_id null for a program that a person runs: it is not part of the cluster
 */
export function environmentFor(
  cluster_id: string | null,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'LANG', 'TZ', 'TERM', 'NODE_COMPILE_CACHE']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, ...(cluster_id === null ? {} : { [CLUSTER_MARK]: cluster_id }), ...extra };
}
