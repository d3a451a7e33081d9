import { requestStart } from '../../operations/request-power.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { anyArgument, type ServerAction } from './server-action.ts';

export const startAction: ServerAction = {
  name: 'os-start',
  schema: anyArgument,
  policy: serverPolicies.start,
  async perform({ services, request, server }) {
    await requestStart(services, requesterOf(request), server.uuid);
    return 202;
  },
};
