import { resetServerState } from '../../operations/change-lock.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { actionBody, type ServerAction } from './server-action.ts';

const body = actionBody('os-resetState', {
  type: 'object',
  properties: { state: { type: 'string', enum: ['active', 'error'] } },
  required: ['state'],
  additionalProperties: false,
});

export const resetStateAction: ServerAction = {
  name: 'os-resetState',
  schema: () => body,
  policy: serverPolicies.reset_state,
  async perform({ services, request, server, argument }) {
    const { state } = argument as { state: 'active' | 'error' };
    await resetServerState(services, requesterOf(request), server.uuid, state);
    return 202;
  },
};
