import {
  hostName,
  instanceId,
  migrationId,
  operationId,
  projectId,
  requestId,
  userId,
} from '../../../../shared/domain/ids.ts';
import type { FlavorSpec, InstanceSpec } from '../../../../shared/domain/instance-spec.ts';
import { PowerState, type OperationKind } from '../../../../shared/domain/states.ts';
import type {
  Instance,
  Migration,
  Operation,
  Settings,
  World,
} from '../../../../services/scheduler/migration/model.ts';
import { sampleFlavor } from '../../domain/sample-flavor.ts';

/** Rows for the machine's tests: one instance on host `alpha`, to be moved to `beta` (or `gamma`). */
export const alpha = hostName('alpha');
export const beta = hostName('beta');
export const gamma = hostName('gamma');
export const allHosts = [alpha, beta, gamma] as const;

export const settings: Settings = {
  shutdown_timeout_seconds: 60,
  resize_confirm_window_seconds: 0,
  migration_limit_bytes_per_second: 0,
  downtime_budget_seconds: 30,
  key_lifetime_seconds: 3600,
  command_timeout_seconds: 30,
  stall_timeout_seconds: 120,
  max_attempts_per_step: 3,
  max_recoveries_per_step: 3,
  max_choices: 3,
  transfer_limits: { per_source: 0, per_target: 0, in_cluster: 0 },
};

export const flavor: FlavorSpec = sampleFlavor();

const instance_id = instanceId('11111111-1111-4111-8111-111111111111');

export const spec: InstanceSpec = {
  id: instance_id,
  instance_name: 'instance-00000001',
  display_name: 'vm1',
  project_id: projectId('a'.repeat(32)),
  user_id: userId('b'.repeat(32)),
  flavor,
  image: null,
  image_properties: {},
  metadata: {},
};

export function operation(kind: OperationKind, set: Partial<Operation> = {}): Operation {
  return {
    id: operationId('22222222-2222-4222-8222-222222222222'),
    kind,
    instance_id,
    migration_id: ['cold', 'confirm', 'revert'].includes(kind)
      ? migrationId('33333333-3333-4333-8333-333333333333')
      : null,
    request_id: requestId('req-44444444-4444-4444-8444-444444444444'),
    request: {},
    state: 'running',
    step: null,
    step_state: 'pending',
    attempt: 0,
    recoveries: 0,
    facts: {},
    cancel_requested: false,
    paused: false,
    turn: null,
    reason: null,
    ...set,
  };
}

export function instance(set: Partial<Instance> = {}): Instance {
  return {
    id: instance_id,
    host: alpha,
    node: alpha,
    epoch: 1,
    vm_state: 'active',
    task_state: 'resize_prep',
    power_state: PowerState.running,
    flavor,
    availability_zone: 'nova',
    ...set,
  };
}

export function migration(set: Partial<Migration> = {}): Migration {
  return {
    id: migrationId('33333333-3333-4333-8333-333333333333'),
    status: 'pre-migrating',
    source_host: alpha,
    source_node: alpha,
    target_host: null,
    target_node: null,
    old_vm_state: 'active',
    was_running: null,
    new_flavor: flavor,
    ...set,
  };
}

export function world(kind: OperationKind, set: Partial<World> = {}): World {
  const moves = kind === 'cold' || kind === 'confirm' || kind === 'revert';
  return {
    operation: operation(kind),
    instance: instance(),
    migration: moves ? migration() : null,
    spec,
    ...set,
  };
}
