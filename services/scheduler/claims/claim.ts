import type { HostName, InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import type { ResourceAmounts, ResourceClass } from '../../../shared/domain/resources.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { prepared } from '../drive/statement.ts';
import { capacityRefusal, type Capacity, type Refusal } from './capacity.ts';
import { groupRefusal, lockGroup } from './group-rules.ts';
import { lockHosts } from './lock-hosts.ts';

export interface ClaimRequest {
  readonly host: HostName;
  readonly instance_id: InstanceId;
  /** A move: the claim on the source is handed to this migration, in the same statement. */
  readonly move: { readonly migration_id: MigrationId; readonly source_host: HostName } | null;
  readonly amounts: ResourceAmounts;
  /**
   * Chooses cpus, pages and devices by name, under the host's lock: what a decision chose may have been given away
   * since. Resolves to null when they do not suffice any more. Null: the request needs none by name.
   */
  readonly details: ((host_id: number) => Promise<object | null>) | null;
  readonly server_group_uuid: string | null;
  /**
   * What this process knows of the host's reports by its monotonic clock. The database's clock may have jumped since
   * the last report; it alone must not refuse every host at once.
   */
  readonly is_known_up: boolean;
  readonly service_down_seconds: number;
}

/** The target of a successful claim, as the machine wants to know it. */
export interface ClaimedHost {
  readonly host: HostName;
  readonly node: string;
  readonly address: string;
  readonly availability_zone: string | null;
}

export type ClaimOutcome =
  | {
      readonly claimed: true;
      readonly target: ClaimedHost;
      /** The statement that writes the claim, on its way: it must be among those that the commit waits for. */
      readonly written: Promise<unknown>;
    }
  | { readonly claimed: false; readonly refusal: Refusal };

interface HostRow {
  readonly id: number;
  readonly node: string;
  readonly address: string;
  readonly availability_zone: string | null;
  readonly disabled: boolean;
  readonly disabled_reason: string | null;
  readonly forced_down: boolean;
  readonly is_fresh: boolean;
}

/**
 * Reserves capacity on a host, re-checking under the host's lock what may have changed since the decision: host up
 * and enabled, group rules, capacity of each class. Must run inside a transaction; a refusal has changed nothing.
 * An existing claim of the instance on this host is replaced, so that a repeated decision does not count twice.
 */
export async function claim(transaction: Queryable, request: ClaimRequest): Promise<ClaimOutcome> {
  if (request.server_group_uuid !== null) {
    const group = await lockGroup(transaction, request.server_group_uuid, request.instance_id);
    const refusal = group === null ? null : groupRefusal(group, request.host);
    if (refusal !== null) return { claimed: false, refusal };
  }
  // Sent together; the reads stand behind the lock, so they see what was committed until it was given.
  const locking = lockHosts(transaction, [request.host]);
  const readingHost = transaction.query<HostRow>(
    prepared(hostSql, [request.host, request.service_down_seconds]),
  );
  const readingInventories = transaction.query<Capacity & { resource_class: ResourceClass }>(
    prepared(inventoriesSql, [request.host, request.instance_id]),
  );
  const [, hosts, rows] = await Promise.all([locking, readingHost, readingInventories]);
  const host = hosts.rows[0];
  const inventories = new Map(rows.rows.map((row) => [row.resource_class as string, row]));
  const refusal = hostRefusal(host, request) ?? capacityRefusal(inventories, request.amounts);
  if (refusal !== null || host === undefined) {
    return { claimed: false, refusal: refusal ?? { check: 'host_unknown', message: 'is not registered' } };
  }
  const details = (await request.details?.(host.id)) ?? null;
  if (request.details !== null && details === null) {
    return {
      claimed: false,
      refusal: { check: 'details', message: 'has given away cpus, pages or devices that it would need' },
    };
  }
  const classes = Object.keys(request.amounts);
  const written = transaction.query(
    prepared(writeSql, [
      host.id,
      request.instance_id,
      classes,
      Object.values(request.amounts),
      details === null ? null : JSON.stringify(details),
      request.move?.migration_id ?? null,
      request.move?.source_host ?? null,
    ]),
  );
  written.catch(() => undefined);
  const { node, address, availability_zone } = host;
  return { claimed: true, target: { host: request.host, node, address, availability_zone }, written };
}

function hostRefusal(host: HostRow | undefined, request: ClaimRequest): Refusal | null {
  if (host === undefined) return { check: 'host_unknown', message: 'is not registered' };
  if (host.disabled) {
    const because = host.disabled_reason === null ? '' : ` (${host.disabled_reason})`;
    return { check: 'host_disabled', message: `was disabled${because}` };
  }
  if (host.forced_down) return { check: 'host_down', message: 'was forced down' };
  if (!host.is_fresh && !request.is_known_up) return { check: 'host_down', message: 'stopped reporting' };
  return null;
}

const hostSql = `
  select h.id, h.hypervisor_hostname as node, h.address, s.disabled, s.disabled_reason, s.forced_down,
         coalesce(s.last_seen_at > now() - make_interval(secs => $2), false) as is_fresh,
         (select a.metadata ->> 'availability_zone' from aggregates a join aggregate_hosts ah on ah.aggregate_id = a.id
          where ah.host_id = h.id and a.metadata ? 'availability_zone' order by a.id limit 1) as availability_zone
  from hosts h join services s on s.id = h.service_id
  where h.name = $1`;

/** `used` without what the same instance holds here already: that would be replaced. */
const inventoriesSql = `
  select n.resource_class, n.total, n.reserved, n.allocation_ratio, n.max_unit,
         n.used - coalesce((select sum(c.amount) from claims c where c.host_id = n.host_id
           and c.resource_class = n.resource_class and c.consumer_uuid = $2), 0)::bigint as used
  from host_inventories n join hosts h on h.id = n.host_id
  where h.name = $1`;

/**
 * One statement: old claim of the instance here out, new one in, `used` by the difference, source's claim to the
 * migration, generation up. $1 host id, $2 instance, $3 classes, $4 amounts, $5 details, $6 migration, $7 source.
 */
const writeSql = `
  with asked as (
    select * from unnest($3::text[], $4::bigint[]) as a(resource_class, amount)
  ), held as (
    select resource_class, amount from claims where host_id = $1 and consumer_uuid = $2
  ), gone as (
    delete from claims c where c.host_id = $1 and c.consumer_uuid = $2
      and not exists (select from asked a where a.resource_class = c.resource_class)
  ), made as (
    insert into claims (host_id, consumer_uuid, consumer_kind, instance_uuid, resource_class, amount, details)
    select $1, $2, 'instance', $2, resource_class, amount, $5::jsonb from asked
    on conflict (consumer_uuid, host_id, resource_class)
      do update set amount = excluded.amount, details = excluded.details
  ), used_now as (
    update host_inventories n set used = n.used + d.difference
    from (select resource_class, sum(amount) as difference
          from (select resource_class, amount from asked union all select resource_class, -amount from held) both_sides
          group by resource_class) d
    where n.host_id = $1 and n.resource_class = d.resource_class
  ), handed_over as (
    update claims c set consumer_uuid = $6::uuid, consumer_kind = 'migration'
    from hosts h
    where $6::uuid is not null and h.name = $7::text and c.host_id = h.id and h.id <> $1
      and c.consumer_uuid = $2 and c.consumer_kind = 'instance'
  )
  update hosts set generation = generation + 1, updated_at = now() where id = $1`;
