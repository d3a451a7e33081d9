import { requestStop } from '../../operations/request-power.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { anyArgument, type ServerAction } from './server-action.ts';

export const stopAction: ServerAction = {
  name: 'os-stop',
  schema: anyArgument,
  policy: serverPolicies.stop,
  async perform({ services, request, server }) {
    await requestStop(services, requesterOf(request), server.uuid);
    return 202;
  },
};
