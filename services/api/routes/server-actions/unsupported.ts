import type { VmState } from '../../../../shared/domain/states.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import { checkLock } from '../../operations/instance-guard.ts';
import { anyArgument, type ServerAction } from './server-action.ts';

interface UnsupportedAction {
  readonly policy: string;
  /** States in which Nova would do it: in another one the state is what is wrong, and is told first. */
  readonly vm_states: readonly VmState[] | 'any';
}

const resting: readonly VmState[] = ['active', 'stopped', 'paused', 'suspended'];

/** Actions that Nova has and Drover does not, with Nova's rule: who may not use them is told so, as in Nova. */
const unsupported: Readonly<Record<string, UnsupportedAction>> = {
  pause: { policy: 'os_compute_api:os-pause-server:pause', vm_states: ['active'] },
  unpause: { policy: 'os_compute_api:os-pause-server:unpause', vm_states: ['paused'] },
  suspend: { policy: 'os_compute_api:os-suspend-server:suspend', vm_states: ['active'] },
  resume: { policy: 'os_compute_api:os-suspend-server:resume', vm_states: ['suspended'] },
  rebuild: { policy: 'os_compute_api:servers:rebuild', vm_states: ['active', 'stopped', 'error'] },
  rescue: { policy: 'os_compute_api:os-rescue', vm_states: ['active', 'stopped', 'error'] },
  unrescue: { policy: 'os_compute_api:os-unrescue', vm_states: [] },
  shelve: { policy: 'os_compute_api:os-shelve:shelve', vm_states: resting },
  unshelve: { policy: 'os_compute_api:os-shelve:unshelve', vm_states: [] },
  shelveOffload: { policy: 'os_compute_api:os-shelve:shelve_offload', vm_states: [] },
  evacuate: { policy: 'os_compute_api:os-evacuate', vm_states: ['active', 'stopped', 'error'] },
  createBackup: { policy: 'os_compute_api:os-create-backup', vm_states: resting },
  changePassword: { policy: 'os_compute_api:os-admin-password', vm_states: ['active'] },
  forceDelete: { policy: 'os_compute_api:os-deferred-delete:force', vm_states: 'any' },
  restore: { policy: 'os_compute_api:os-deferred-delete:restore', vm_states: [] },
  addSecurityGroup: { policy: 'os_compute_api:os-security-groups:add', vm_states: 'any' },
  removeSecurityGroup: { policy: 'os_compute_api:os-security-groups:remove', vm_states: 'any' },
  'os-getConsoleOutput': { policy: 'os_compute_api:os-console-output', vm_states: 'any' },
  trigger_crash_dump: { policy: 'os_compute_api:servers:trigger_crash_dump', vm_states: ['active'] },
};

export const unsupportedActions: readonly ServerAction[] = Object.entries(unsupported).map(
  ([name, { policy, vm_states }]) => ({
    name,
    schema: anyArgument,
    policy,
    perform({ request, server }) {
      checkLock(server, request.caller.is_admin);
      if (vm_states !== 'any' && !vm_states.includes(server.vm_state))
        throw new DroverError('instance_state_conflict', {
          instance: server.uuid,
          action: name,
          attribute: 'vm_state',
          state: server.vm_state,
        });
      throw new DroverError('action_unsupported', { action: name });
    },
  }),
);
