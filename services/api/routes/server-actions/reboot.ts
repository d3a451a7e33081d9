import { requestReboot } from '../../operations/request-power.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { actionBody, type ServerAction } from './server-action.ts';

const body = actionBody('reboot', {
  type: 'object',
  properties: { type: { type: 'string', enum: ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft'] } },
  required: ['type'],
  additionalProperties: false,
});

export const rebootAction: ServerAction = {
  name: 'reboot',
  schema: () => body,
  policy: serverPolicies.reboot,
  async perform({ services, request, server, argument }) {
    const type = (argument as { type: string }).type.toUpperCase() === 'HARD' ? 'HARD' : 'SOFT';
    await requestReboot(services, requesterOf(request), server.uuid, type);
    return 202;
  },
};
