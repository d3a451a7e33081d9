import { lockerOf, unlockServer } from '../../operations/change-lock.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { allow, requesterOf } from '../server-access.ts';
import { anyArgument, type ServerAction } from './server-action.ts';

/** Owners lift their own lock; another's needs a second rule, as in Nova. */
export const unlockAction: ServerAction = {
  name: 'unlock',
  schema: anyArgument,
  policy: serverPolicies.unlock,
  async perform({ services, request, server }) {
    const requester = requesterOf(request);
    if (server.locked_by !== null && server.locked_by !== lockerOf(requester, server.project_id))
      allow(services, request, serverPolicies.unlock_override, server);
    await unlockServer(services, requester, server.uuid);
    return 202;
  },
};
