import { DroverError } from '../../../../shared/errors/drover-error.ts';
import { checkLock } from '../../operations/instance-guard.ts';
import { anyArgument, type ServerAction } from './server-action.ts';

/** Actions that Nova has and Drover does not, with Nova's rule: who may not use them is told so, as in Nova. */
const unsupported: Readonly<Record<string, string>> = {
  pause: 'os_compute_api:os-pause-server:pause',
  unpause: 'os_compute_api:os-pause-server:unpause',
  suspend: 'os_compute_api:os-suspend-server:suspend',
  resume: 'os_compute_api:os-suspend-server:resume',
  rebuild: 'os_compute_api:servers:rebuild',
  rescue: 'os_compute_api:os-rescue',
  unrescue: 'os_compute_api:os-unrescue',
  shelve: 'os_compute_api:os-shelve:shelve',
  unshelve: 'os_compute_api:os-shelve:unshelve',
  shelveOffload: 'os_compute_api:os-shelve:shelve_offload',
  evacuate: 'os_compute_api:os-evacuate',
  createImage: 'os_compute_api:servers:create_image',
  createBackup: 'os_compute_api:os-create-backup',
  changePassword: 'os_compute_api:os-admin-password',
  forceDelete: 'os_compute_api:os-deferred-delete:force',
  restore: 'os_compute_api:os-deferred-delete:restore',
  addSecurityGroup: 'os_compute_api:os-security-groups:add',
  removeSecurityGroup: 'os_compute_api:os-security-groups:remove',
  'os-getConsoleOutput': 'os_compute_api:os-console-output',
  trigger_crash_dump: 'os_compute_api:servers:trigger_crash_dump',
};

export const unsupportedActions: readonly ServerAction[] = Object.entries(unsupported).map(
  ([name, policy]) => ({
    name,
    schema: anyArgument,
    policy,
    perform({ request, server }) {
      checkLock(server, request.caller.is_admin);
      throw new DroverError('action_unsupported', { action: name });
    },
  }),
);
