import { lockServer } from '../../operations/change-lock.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { actionBody, type ServerAction } from './server-action.ts';

const withReason = actionBody('lock', {
  type: ['object', 'null'],
  properties: { locked_reason: { type: 'string', minLength: 1, maxLength: 255 } },
  additionalProperties: false,
});

/** Stops everybody but administrators. A reason is kept from 2.73 on; before, the value is not looked at. */
export const lockAction: ServerAction = {
  name: 'lock',
  schema: (version) => (version.atLeast(2, 73) ? withReason : null),
  policy: serverPolicies.lock,
  async perform({ services, request, server, argument }) {
    const given = request.microversion.atLeast(2, 73)
      ? (argument as { locked_reason?: string } | null)?.locked_reason
      : undefined;
    await lockServer(services, requesterOf(request), server.uuid, given ?? null);
    return 202;
  },
};
