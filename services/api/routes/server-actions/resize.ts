import { DroverError } from '../../../../shared/errors/drover-error.ts';
import { checkInstance } from '../../operations/instance-guard.ts';
import { hostOf, requireServiceUp } from '../../operations/source-host.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { findFlavor } from '../../queries/flavors-of-servers.ts';
import { checkResizeQuota } from '../../queries/quota-usage.ts';
import { actionBody, type ServerAction } from './server-action.ts';

const body = actionBody('resize', {
  type: 'object',
  properties: {
    flavorRef: { type: ['string', 'integer'], minLength: 1 },
    'OS-DCF:diskConfig': { type: 'string', enum: ['AUTO', 'MANUAL'] },
  },
  required: ['flavorRef'],
  additionalProperties: false,
});

/**
 * Resize is not offered. Everything that would refuse it in Nova refuses it here too, in the same order and words,
 * so that a request that is wrong in itself is told why before it is told that the action is missing.
 */
export const resizeAction: ServerAction = {
  name: 'resize',
  schema: () => body,
  policy: serverPolicies.resize,
  async perform({ services, request, server, argument }) {
    checkInstance(
      {
        ...server,
        host: null,
        operation_id: null,
        operation_kind: null,
        operation_state: null,
        migration_id: null,
        migration_status: null,
      },
      {
        action: 'resize',
        caller_is_admin: request.caller.is_admin,
        vm_states: ['active', 'stopped'],
        task_states: [null],
        must_have_launched: true,
      },
    );
    const { flavorRef } = argument as { flavorRef: string | number };
    const host = hostOf(server);
    await requireServiceUp(services.pool, host, services.configuration.DEFAULT.service_down_time);
    const flavor = await findFlavor(services.pool, String(flavorRef), request.caller);
    if (flavor === null || flavor.disabled)
      throw new DroverError('requested_flavor_not_found', { flavor: flavorRef });
    if (flavor.root_gb === 0 && server.flavor.root_gb !== 0) throw new DroverError('resize_zero_disk');
    if (flavor.flavor_id === server.flavor.flavor_id) throw new DroverError('resize_same_flavor');
    await checkResizeQuota(services, server, flavor);
    throw new DroverError('resize_unsupported');
  },
};
