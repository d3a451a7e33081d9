import type { HostName, InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import type { ResourceAmounts, ResourceClass } from '../../../shared/domain/resources.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { prepared } from '../drive/statement.ts';
import type { ClaimDetails } from '../placement/model.ts';
import { capacityRefusal, type Capacity, type Refusal } from './capacity.ts';
import { groupRefusal, lockGroups, type GroupMembers } from './group-rules.ts';
import { lockHosts } from './lock-hosts.ts';
import { writeClaims, type GrantedClaim } from './write-claims.ts';

export interface ClaimRequest {
  readonly host: HostName;
  readonly instance_id: InstanceId;
  /** A move: the claim on the source is handed to this migration, in the same transaction. */
  readonly move: { readonly migration_id: MigrationId; readonly source_host: HostName } | null;
  readonly amounts: ResourceAmounts;
  /**
   * Chooses cpus, pages and devices by name, under the host's lock: what a decision chose may have been given away
   * since. Resolves to null when they do not suffice any more. Null: the request needs none by name.
   * @param granted what claims of this transaction took by name on this host, not yet to be seen in its rows
   */
  readonly details:
    ((host_id: number, granted: readonly ClaimDetails[]) => Promise<ClaimDetails | null>) | null;
  readonly server_group_uuid: string | null;
  /**
   * What this process knows of the host's reports by its monotonic clock. The database's clock may have jumped since
   * the last report; it alone must not refuse every host at once.
   */
  readonly is_known_up: boolean;
}

/** The target of a successful claim, as the machine wants to know it. */
export interface ClaimedHost {
  readonly host: HostName;
  readonly node: string;
  readonly address: string;
  readonly availability_zone: string | null;
  /** The host's generation when it was locked; the claims of this transaction raise it by one. */
  readonly generation: number;
  /** False: the instance had a claim here already, which this one replaces. */
  readonly is_new: boolean;
  readonly details: ClaimDetails | null;
}

export type ClaimOutcome =
  | { readonly claimed: true; readonly target: ClaimedHost }
  | { readonly claimed: false; readonly refusal: Refusal };

interface HostRow {
  readonly id: number;
  readonly name: HostName;
  readonly generation: number;
  readonly node: string;
  readonly address: string;
  readonly availability_zone: string | null;
  readonly disabled: boolean;
  readonly disabled_reason: string | null;
  readonly forced_down: boolean;
  readonly is_fresh: boolean;
}

interface HostBooks extends HostRow {
  readonly inventories: Map<string, Capacity>;
  /** What each instance holds here now, by class: a repeated claim replaces it and does not count twice. */
  readonly held: Map<InstanceId, ReadonlyMap<string, number>>;
  readonly granted_details: ClaimDetails[];
}

/**
 * The books of some hosts, read under their locks. Any number of claims are checked against them one after the other,
 * each seeing what those before it took; then all that were granted are written together. Many claims so cost about as
 * many statements as one does. Must live inside one transaction; until `write` it has changed nothing.
 */
export class Books {
  readonly #hosts: ReadonlyMap<HostName, HostBooks>;
  readonly #groups: ReadonlyMap<string, GroupMembers>;
  readonly #granted: GrantedClaim[] = [];

  private constructor(hosts: ReadonlyMap<HostName, HostBooks>, groups: ReadonlyMap<string, GroupMembers>) {
    this.#hosts = hosts;
    this.#groups = groups;
  }

  /**
   * Locks groups, then hosts, each in one order, and reads what claims on them must know. All is sent at once: the
   * reads stand behind the locks, so they see what was committed until those were given.
   */
  static async open(
    transaction: Queryable,
    asked: ReadonlyArray<Pick<ClaimRequest, 'host' | 'instance_id' | 'server_group_uuid'>>,
    service_down_seconds: number,
  ): Promise<Books> {
    const names = [...new Set(asked.map(({ host }) => host))];
    const instances = asked.map(({ instance_id }) => instance_id);
    const [groups, , hosts, inventories, held] = await Promise.all([
      lockGroups(
        transaction,
        asked.flatMap(({ server_group_uuid }) => server_group_uuid ?? []),
      ),
      lockHosts(transaction, names),
      transaction.query<HostRow>(prepared(hostsSql, [names, service_down_seconds])),
      transaction.query<InventoryRow>(prepared(inventoriesSql, [names])),
      transaction.query<HeldRow>(prepared(heldSql, [names, instances])),
    ]);
    const by_id = new Map<number, HostBooks>();
    for (const row of hosts.rows)
      by_id.set(row.id, { ...row, inventories: new Map(), held: new Map(), granted_details: [] });
    for (const { host_id, resource_class, ...capacity } of inventories.rows)
      by_id.get(host_id)?.inventories.set(resource_class, capacity);
    for (const { host_id, consumer_uuid, resource_class, amount } of held.rows) {
      const of_host = by_id.get(host_id)?.held;
      of_host?.set(consumer_uuid, new Map([...(of_host.get(consumer_uuid) ?? []), [resource_class, amount]]));
    }
    return new Books(new Map([...by_id.values()].map((host) => [host.name, host])), groups);
  }

  /**
   * Checks again what may have changed since the decision: host up and enabled, group rules, capacity of each class,
   * devices and cpus by name. A claim that is granted counts for the next ones; one that is refused leaves no trace.
   * Requests are checked one at a time.
   */
  async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const refused = (refusal: Refusal): ClaimOutcome => ({ claimed: false, refusal });
    const group = this.#groups.get(request.server_group_uuid ?? '');
    const by_group = group === undefined ? null : groupRefusal(group, request.instance_id, request.host);
    if (by_group !== null) return refused(by_group);
    const host = this.#hosts.get(request.host);
    if (host === undefined) return refused({ check: 'host_unknown', message: 'is not registered' });
    const held = host.held.get(request.instance_id) ?? new Map<string, number>();
    const refusal =
      hostRefusal(host, request.is_known_up) ??
      capacityRefusal(without(host.inventories, held), request.amounts);
    if (refusal !== null) return refused(refusal);
    const details = (await request.details?.(host.id, host.granted_details)) ?? null;
    if (request.details !== null && details === null) {
      return refused({
        check: 'details',
        message: 'has given away cpus, pages or devices that it would need',
      });
    }
    const asked = new Map(Object.entries(request.amounts) as Array<[ResourceClass, number]>);
    host.held.set(request.instance_id, asked);
    if (details !== null) host.granted_details.push(details);
    for (const [name, capacity] of host.inventories) {
      const difference = (asked.get(name as ResourceClass) ?? 0) - (held.get(name) ?? 0);
      if (difference !== 0) host.inventories.set(name, { ...capacity, used: capacity.used + difference });
    }
    group?.hosts_of.set(
      request.instance_id,
      new Set([...(group.hosts_of.get(request.instance_id) ?? []), request.host]),
    );
    const { instance_id, move } = request;
    this.#granted.push({ host_id: host.id, instance_id, move, asked, held, details });
    const { node, address, availability_zone, generation } = host;
    const is_new = held.size === 0;
    return {
      claimed: true,
      target: { host: host.name, node, address, availability_zone, generation, is_new, details },
    };
  }

  /** Writes what was granted; the commit must wait for it. */
  async write(transaction: Queryable): Promise<void> {
    await writeClaims(transaction, this.#granted);
  }
}

/** What the same instance holds here already would be replaced. */
function without(
  inventories: ReadonlyMap<string, Capacity>,
  held: ReadonlyMap<string, number>,
): ReadonlyMap<string, Capacity> {
  if (held.size === 0) return inventories;
  return new Map(
    [...inventories].map(([name, capacity]) => [
      name,
      { ...capacity, used: capacity.used - (held.get(name) ?? 0) },
    ]),
  );
}

function hostRefusal(host: HostRow, is_known_up: boolean): Refusal | null {
  if (host.disabled) {
    const because = host.disabled_reason === null ? '' : ` (${host.disabled_reason})`;
    return { check: 'host_disabled', message: `was disabled${because}` };
  }
  if (host.forced_down) return { check: 'host_down', message: 'was forced down' };
  if (!host.is_fresh && !is_known_up) return { check: 'host_down', message: 'stopped reporting' };
  return null;
}

interface InventoryRow extends Capacity {
  readonly host_id: number;
  readonly resource_class: string;
}
interface HeldRow {
  readonly host_id: number;
  readonly consumer_uuid: InstanceId;
  readonly resource_class: string;
  readonly amount: number;
}

const hostsSql = `
  select h.id, h.name, h.generation, h.hypervisor_hostname as node, h.address, s.disabled, s.disabled_reason,
         s.forced_down, coalesce(s.last_seen_at > now() - make_interval(secs => $2), false) as is_fresh,
         (select a.metadata ->> 'availability_zone' from aggregates a join aggregate_hosts ah on ah.aggregate_id = a.id
          where ah.host_id = h.id and a.metadata ? 'availability_zone' order by a.id limit 1) as availability_zone
  from hosts h join services s on s.id = h.service_id
  where h.name = any($1::text[])`;

const inventoriesSql = `
  select n.host_id, n.resource_class, n.total, n.reserved, n.allocation_ratio, n.max_unit, n.used
  from hosts h join host_inventories n on n.host_id = h.id
  where h.name = any($1::text[])`;

const heldSql = `
  select c.host_id, c.consumer_uuid, c.resource_class, c.amount
  from claims c join hosts h on h.id = c.host_id
  where c.consumer_uuid = any($2::uuid[]) and h.name = any($1::text[])`;
