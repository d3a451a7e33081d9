import { readFileSync } from 'node:fs';
import { processesOf, type ProcessRecord } from '../cluster/processes.ts';

/** What a process of a cluster is, as far as figures about it go. */
export type Role =
  'api' | 'scheduler' | 'agents' | 'senders' | 'receivers' | 'sshd' | 'postgres' | 'rabbitmq' | 'other';

/** In this order: the first that occurs in a command line names its process. */
const MARKS: ReadonlyArray<readonly [text: string, role: Role]> = [
  ['services/api/main', 'api'],
  ['services/scheduler/main', 'scheduler'],
  ['services/compute-agent/main', 'agents'],
  ['mover/sender/', 'senders'],
  ['mover/receiver/', 'receivers'],
  ['sshd', 'sshd'],
  ['socat', 'sshd'],
  ['postgres', 'postgres'],
  ['beam', 'rabbitmq'],
  ['erl_child_setup', 'rabbitmq'],
  ['epmd', 'rabbitmq'],
];

/** Of CLK_TCK, which is 100 on every Linux that Node runs on. */
const MILLISECONDS_PER_TICK = 10;
const KIBIBYTE = 1024;

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended since we listed it.
    return '';
  }
}

function roleOf(pid: number): Role {
  const command = textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  return MARKS.find(([text]) => command.includes(text))?.[1] ?? 'other';
}

/** Processor time of the process itself and of its children that have ended and were waited for. */
export function cpuMilliseconds(pid: number): number {
  const text = textOf(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything: count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
  return ticks * MILLISECONDS_PER_TICK;
}

export type CpuByRole = Readonly<Partial<Record<Role, number>>>;

/** Milliseconds of processor time that a cluster has used so far, by role. Differences are what tells something. */
export function cpuByRole(cluster_id: string, recorded: readonly ProcessRecord[]): CpuByRole {
  const sums: Partial<Record<Role, number>> = {};
  for (const { pid } of processesOf(cluster_id, recorded)) {
    const role = roleOf(pid);
    sums[role] = (sums[role] ?? 0) + cpuMilliseconds(pid);
  }
  return sums;
}

/** @returns milliseconds per `count`, by role */
export function cpuBetween(before: CpuByRole, after: CpuByRole, count: number): CpuByRole {
  const roles = Object.keys(after) as Role[];
  return Object.fromEntries(
    roles.map((role) => [role, Math.round(((after[role] ?? 0) - (before[role] ?? 0)) / count)]),
  );
}

export interface MemoryFigure {
  readonly processes: number;
  /** Resident memory of the largest process, shared pages (the program itself) included. */
  readonly resident_mib_max: number;
  /** What all of them would free if they ended together. */
  readonly proportional_mib_sum: number;
}

/** Memory of a cluster's processes, by role. */
export function memoryByRole(
  cluster_id: string,
  recorded: readonly ProcessRecord[],
): Readonly<Partial<Record<Role, MemoryFigure>>> {
  const figures: Partial<Record<Role, MemoryFigure>> = {};
  for (const { pid } of processesOf(cluster_id, recorded)) {
    const rollup = textOf(`/proc/${pid}/smaps_rollup`);
    const mebibytes = (name: string) =>
      Number(new RegExp(`^${name}: +([0-9]+) kB`, 'm').exec(rollup)?.[1] ?? 0) / KIBIBYTE;
    const role = roleOf(pid);
    const before = figures[role] ?? { processes: 0, resident_mib_max: 0, proportional_mib_sum: 0 };
    figures[role] = {
      processes: before.processes + 1,
      resident_mib_max: Math.max(before.resident_mib_max, Math.round(mebibytes('Rss'))),
      proportional_mib_sum: Math.round(before.proportional_mib_sum + mebibytes('Pss')),
    };
  }
  return figures;
}
