import type { HostName } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { prepared } from '../drive/statement.ts';

/**
 * Locks host rows until the transaction ends. Every change of claims and `used` is made under this lock.
 * All hosts that a transaction will change are locked by one call, in the order of their ids: two transactions that
 * took the same two hosts in opposite order would wait for each other.
 */
export async function lockHosts(transaction: Queryable, hosts: readonly HostName[]): Promise<void> {
  if (hosts.length === 0) return;
  await transaction.query(
    prepared('select id from hosts where name = any($1::text[]) order by id for update', [
      [...new Set(hosts)],
    ]),
  );
}

/** Every host where the instance, or a migration of it, has a claim. */
export async function hostsOfClaims(transaction: Queryable, instance_id: string): Promise<HostName[]> {
  const { rows } = await transaction.query<{ name: HostName }>(
    prepared(
      `select distinct h.name from claims c join hosts h on h.id = c.host_id where c.instance_uuid = $1`,
      [instance_id],
    ),
  );
  return rows.map((row) => row.name);
}
