import type { InstanceId, OperationId } from '../../../shared/domain/ids.ts';
import { requestOperation, type OperationServices, type Requester } from './request-operation.ts';
import { hostOf } from './source-host.ts';

/** Starts a stopped server. @throws DroverError as requestOperation, instance_not_ready */
export async function requestStart(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
): Promise<OperationId> {
  return await requestOperation(services, requester, instance, {
    kind: 'start',
    action: 'start',
    guard: { action: 'start', vm_states: ['stopped'], task_states: [null], must_have_launched: true },
    task_state: 'powering-on',
    check: async (_transaction, locked) => {
      hostOf(locked);
    },
  });
}

/** Stops a running server; one in ERROR too, so that it can be brought to rest. @throws DroverError as requestStart */
export async function requestStop(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
): Promise<OperationId> {
  return await requestOperation(services, requester, instance, {
    kind: 'stop',
    action: 'stop',
    guard: { action: 'stop', vm_states: ['active', 'error'], task_states: [null], must_have_launched: true },
    task_state: 'powering-off',
    check: async (_transaction, locked) => {
      hostOf(locked);
    },
  });
}

/**
 * SOFT asks the guest and needs it active; HARD is the way back for a guest in any state that has a host.
 * @throws DroverError as requestStart
 */
export async function requestReboot(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
  type: 'SOFT' | 'HARD',
): Promise<OperationId> {
  return await requestOperation(services, requester, instance, {
    kind: 'reboot',
    action: 'reboot',
    guard: {
      action: 'reboot',
      vm_states: type === 'SOFT' ? ['active'] : ['active', 'stopped', 'paused', 'suspended', 'error'],
      task_states: [null],
      must_have_launched: true,
    },
    task_state: type === 'SOFT' ? 'rebooting' : 'rebooting_hard',
    check: async (_transaction, locked) => {
      hostOf(locked);
    },
    prepare: async () => ({ request: { reboot_type: type } }),
  });
}
