import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/**
 * Locks hosts in the order of their ids, as everybody who locks several does, so that what is found out about
 * their zones stays true until the transaction ends. Unknown names are left out.
 */
export async function lockHosts(
  transaction: Queryable,
  names: readonly string[],
): Promise<ReadonlyArray<{ readonly id: number; readonly name: string }>> {
  const { rows } = await transaction.query<{ id: number; name: string }>(
    `select id, name from hosts where name = any($1) order by id for no key update`,
    [names],
  );
  return rows;
}

/** Zones that other aggregates than this one give to any of these hosts. The hosts are locked by the caller. */
export async function otherZones(
  transaction: Queryable,
  hosts: readonly string[],
  wish: { readonly aggregate_id: number; readonly availability_zone: string },
): Promise<readonly string[]> {
  const { rows } = await transaction.query<{ zone: string }>(
    `select a.metadata->>'availability_zone' as zone
     from aggregates a
     where a.id <> $2 and a.metadata ? 'availability_zone' and a.metadata->>'availability_zone' <> $3
       and exists (select from aggregate_hosts m join hosts h on h.id = m.host_id
                   where m.aggregate_id = a.id and h.name = any($1))
     order by a.id`,
    [hosts, wish.aggregate_id, wish.availability_zone],
  );
  return rows.map((row) => row.zone);
}

/** Whether any of these hosts has a server. */
export async function haveServers(transaction: Queryable, hosts: readonly string[]): Promise<boolean> {
  const { rows } = await transaction.query<{ found: boolean }>(
    `select exists (select from instances where host = any($1) and deleted_at is null) as found`,
    [hosts],
  );
  return rows[0]?.found === true;
}

/** @throws DroverError aggregate_has_host */
export async function addMember(
  transaction: Queryable,
  aggregate_id: number,
  host: { readonly id: number; readonly name: string },
): Promise<void> {
  const { rowCount } = await transaction.query(
    `insert into aggregate_hosts (aggregate_id, host_id, added_at) values ($1, $2, clock_timestamp())
     on conflict do nothing`,
    [aggregate_id, host.id],
  );
  if (rowCount === 0)
    throw new DroverError('aggregate_has_host', { aggregate: aggregate_id, host: host.name });
}

/** @returns false if it was no member. */
export async function removeMember(
  transaction: Queryable,
  aggregate_id: number,
  host: string,
): Promise<boolean> {
  const { rowCount } = await transaction.query(
    `delete from aggregate_hosts m using hosts h where m.aggregate_id = $1 and h.id = m.host_id and h.name = $2`,
    [aggregate_id, host],
  );
  return rowCount === 1;
}
