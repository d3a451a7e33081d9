import type { Configuration } from '../../../../shared/config/configuration.ts';
import { requestMigrate, type MigrateOptions } from '../../operations/request-migrate.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { actionBody, type ServerAction } from './server-action.ts';

/** Host names in requests (Nova's parameter type `hostname`). */
export const hostNameSchema = { minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-._]*$' } as const;

/** Below 2.56 the value is not looked at and a host in it is ignored (facts document, section 1.7). */
const withHost = actionBody('migrate', {
  type: ['object', 'null'],
  properties: { host: { type: ['string', 'null'], ...hostNameSchema } },
  additionalProperties: false,
});

/** How disks are copied for a request that does not say it: Nova's never does. */
export const copyDefaults = ({ mover }: Configuration): MigrateOptions['defaults'] => ({
  mode: mover.default_mode,
  downtime_budget_seconds: mover.downtime_budget_seconds,
  limit_bytes_per_second: mover.limit_bytes_per_second,
});

/** Cold migration to a named host (2.56) or wherever the scheduler finds room. */
export const migrateAction: ServerAction = {
  name: 'migrate',
  schema: (version) => (version.atLeast(2, 56) ? withHost : null),
  policy: serverPolicies.migrate,
  async perform({ services, request, server, argument }) {
    const wanted = request.microversion.atLeast(2, 56) ? (argument as { host?: string | null } | null) : null;
    await requestMigrate(services, requesterOf(request), server.uuid, {
      host: wanted?.host ?? null,
      service_down_time_seconds: services.configuration.DEFAULT.service_down_time,
      defaults: copyDefaults(services.configuration),
    });
    return 202;
  },
};
