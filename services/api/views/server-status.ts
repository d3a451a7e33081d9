import type { TaskState, VmState } from '../../../shared/domain/states.ts';

/**
 * Server `status` from vm_state and task_state (facts document, section 3). `default` holds for every task
 * that the row does not name. The same table read backwards serves the `status` filter of the list.
 */
const moving = {
  resize_prep: 'RESIZE',
  resize_migrating: 'RESIZE',
  resize_migrated: 'RESIZE',
  resize_finish: 'RESIZE',
} as const;

type StatusRow = { readonly default: string } & { readonly [Task in TaskState]?: string };

const statusTable: Readonly<Record<VmState, StatusRow>> = {
  active: { default: 'ACTIVE', rebooting: 'REBOOT', rebooting_hard: 'HARD_REBOOT', ...moving },
  building: { default: 'BUILD' },
  stopped: { default: 'SHUTOFF', ...moving },
  resized: { default: 'VERIFY_RESIZE', resize_reverting: 'REVERT_RESIZE' },
  paused: { default: 'PAUSED' },
  suspended: { default: 'SUSPENDED' },
  error: { default: 'ERROR' },
  deleted: { default: 'DELETED' },
};

/** Statuses that Nova knows and that no server of ours can have: a filter on them is valid and finds nothing. */
const foreignStatuses = new Set([
  'MIGRATING',
  'REBUILD',
  'PASSWORD',
  'RESCUE',
  'SOFT_DELETED',
  'SHELVED',
  'SHELVED_OFFLOADED',
]);

const statusesWithProgress = new Set(['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING']);

/** The status that clients see. A row marked deleted is DELETED whatever its states say. */
export function serverStatus(
  vmState: VmState,
  taskState: TaskState | null,
  isDeleted: boolean = false,
): string {
  if (isDeleted) return 'DELETED';
  const row = statusTable[vmState];
  return (taskState === null ? undefined : row[taskState]) ?? row.default;
}

/** Whether the `progress` key is shown at this status. */
export function showsProgress(status: string): boolean {
  return statusesWithProgress.has(status);
}

/** Whether the `fault` key is shown at this status, when there is a fault. */
export function showsFault(status: string): boolean {
  return status === 'ERROR' || status === 'DELETED';
}

/** States that a `status` filter stands for; null when Nova does not know any of the words. */
export interface StatusFilter {
  readonly vm_states: readonly VmState[];
  /** Null: any task. A status that is some state's default sets no condition on the task, in Nova too. */
  readonly task_states: readonly TaskState[] | null;
}

/** Reads the table backwards for the `status` filter; letter case does not matter. */
export function statesOfStatuses(statuses: readonly string[]): StatusFilter | null {
  const wanted = new Set(statuses.map((status) => status.toUpperCase()));
  const vm = new Set<VmState>();
  const tasks = new Set<TaskState>();
  let anyTask = false;
  for (const [vmState, row] of Object.entries(statusTable) as [VmState, StatusRow][]) {
    for (const [task, status] of Object.entries(row)) {
      if (!wanted.has(status)) continue;
      vm.add(vmState);
      if (task === 'default') anyTask = true;
      else tasks.add(task as TaskState);
    }
  }
  if (vm.size === 0) {
    return [...wanted].some((status) => foreignStatuses.has(status))
      ? { vm_states: [], task_states: null }
      : null;
  }
  return { vm_states: [...vm], task_states: anyTask ? null : [...tasks] };
}
