import type { Queryable } from '../../../shared/database/connect.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { ApiServices } from '../services.ts';

/** What a project may have and what it has. -1: no limit. */
export interface QuotaState {
  readonly limits: Readonly<Record<'instances' | 'cores' | 'ram', number>>;
  readonly used: Readonly<Record<'instances' | 'cores' | 'ram', number>>;
}

type Defaults = ApiServices['configuration']['quota'];

/**
 * Serialises the quota decisions of one project until the transaction ends. Nova checks, creates, and checks again;
 * holding a lock for the length of one insert is simpler and lets no request through that the other one spent.
 */
export async function lockQuota(transaction: Queryable, projectId: string): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(hashtext('quota'), hashtext($1))`, [projectId]);
}

/** Counts what the project's living servers take. A server that is being resized counts with its flavor of before. */
export async function readQuota(
  database: Queryable,
  projectId: string,
  defaults: Defaults,
): Promise<QuotaState> {
  const { rows } = await database.query<{
    instances: number;
    cores: number;
    ram: number;
    overrides: Record<string, number> | null;
  }>(
    `select count(*)::integer as instances,
            coalesce(sum((flavor->>'vcpus')::bigint), 0)::bigint as cores,
            coalesce(sum((flavor->>'memory_mb')::bigint), 0)::bigint as ram,
            (select jsonb_object_agg(resource, hard_limit) from quotas where project_id = $1) as overrides
     from instances where project_id = $1 and deleted_at is null`,
    [projectId],
  );
  const found = rows[0] ?? { instances: 0, cores: 0, ram: 0, overrides: null };
  const own = found.overrides ?? {};
  return {
    used: { instances: found.instances, cores: found.cores, ram: found.ram },
    limits: {
      instances: own['instances'] ?? defaults.instances,
      cores: own['cores'] ?? defaults.cores,
      ram: own['ram'] ?? defaults.ram,
    },
  };
}

/** A limit of a project or of the configuration for a resource that is not counted here. */
export async function readLimit(
  database: Queryable,
  projectId: string,
  resource: 'metadata_items' | 'server_groups' | 'server_group_members' | 'key_pairs',
  defaults: Defaults,
): Promise<number> {
  const { rows } = await database.query<{ hard_limit: number }>(
    'select hard_limit from quotas where project_id = $1 and resource = $2',
    [projectId, resource],
  );
  return rows[0]?.hard_limit ?? defaults[resource];
}

const resources = ['cores', 'instances', 'ram'] as const;

/**
 * How many of `max_count` servers may be created; refuses when it is fewer than `min_count`.
 * The sentence lists what is short in alphabetical order, as Nova does. @throws DroverError quota_exceeded
 */
export function allowedCount(
  quota: QuotaState,
  flavor: Pick<FlavorSpec, 'vcpus' | 'memory_mb'>,
  counts: { readonly min_count: number; readonly max_count: number },
): number {
  const each = { instances: 1, cores: flavor.vcpus, ram: flavor.memory_mb };
  const room = resources.map((resource) => {
    const limit = quota.limits[resource];
    return limit < 0 ? Infinity : Math.floor((limit - quota.used[resource]) / each[resource]);
  });
  const allowed = Math.min(counts.max_count, ...room);
  if (allowed >= counts.min_count && allowed > 0) return allowed;
  const { min_count, max_count } = counts;
  const wanted = {
    instances: min_count === max_count ? String(min_count) : `${min_count}-${max_count}`,
    cores: String(max_count * each.cores),
    ram: String(max_count * each.ram),
  };
  const amounts = { instances: max_count, cores: max_count * each.cores, ram: max_count * each.ram };
  throw quotaExceeded(quota, wanted, amounts);
}

/** Resize counts only what grows. @throws DroverError quota_exceeded */
export async function checkResizeQuota(
  services: Pick<ApiServices, 'pool' | 'configuration'>,
  server: { readonly project_id: string; readonly flavor: FlavorSpec },
  flavor: FlavorSpec,
): Promise<void> {
  const growth = {
    instances: 0,
    cores: Math.max(0, flavor.vcpus - server.flavor.vcpus),
    ram: Math.max(0, flavor.memory_mb - server.flavor.memory_mb),
  };
  const quota = await readQuota(services.pool, server.project_id, services.configuration.quota);
  if (overs(quota, growth).length === 0) return;
  const wanted = { instances: '0', cores: String(growth.cores), ram: String(growth.ram) };
  throw quotaExceeded(quota, wanted, growth);
}

function overs(
  quota: QuotaState,
  amounts: Readonly<Record<(typeof resources)[number], number>>,
): readonly (typeof resources)[number][] {
  return resources.filter((resource) => {
    const limit = quota.limits[resource];
    return limit >= 0 && amounts[resource] > 0 && quota.used[resource] + amounts[resource] > limit;
  });
}

function quotaExceeded(
  quota: QuotaState,
  wanted: Readonly<Record<(typeof resources)[number], string>>,
  amounts: Readonly<Record<(typeof resources)[number], number>>,
): DroverError {
  const short = overs(quota, amounts);
  const join = (value: (resource: (typeof resources)[number]) => string | number): string =>
    short.map(value).join(', ');
  return new DroverError('quota_exceeded', {
    overs: join((resource) => resource),
    requested: join((resource) => wanted[resource]),
    used: join((resource) => quota.used[resource]),
    allowed: join((resource) => quota.limits[resource]),
  });
}
