import type { HostName, InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { prepared } from '../drive/statement.ts';

/**
 * What gives capacity back. Each is one statement: the claims go, `used` falls by their sums, the hosts' generation
 * rises. The caller has locked the hosts (lock-hosts.ts). Each may be repeated: a second time finds nothing to release.
 */

/** Unwind and revert: the instance's claim on the target goes, the source's comes back from the migration. */
export async function returnClaimsToSource(
  transaction: Queryable,
  move: {
    readonly instance_id: InstanceId;
    readonly migration_id: MigrationId;
    readonly source_host: HostName;
  },
): Promise<void> {
  const released = release(
    transaction,
    // Also a claim that the instance has on the source itself, where the migration's is to come back.
    `c.consumer_uuid = $1 and c.consumer_kind = 'instance'
       and (c.host_id <> (select id from hosts where name = $2)
         or exists (select from claims m where m.consumer_uuid = $3 and m.host_id = c.host_id))`,
    [move.instance_id, move.source_host, move.migration_id],
  );
  const returned = transaction.query(
    prepared(
      `update claims set consumer_uuid = instance_uuid, consumer_kind = 'instance'
       where consumer_uuid = $1 and consumer_kind = 'migration'`,
      [move.migration_id],
    ),
  );
  await Promise.all([released, returned]);
}

/** Confirm: the migration's claim on the source goes. */
export async function releaseSourceClaim(transaction: Queryable, migration_id: MigrationId): Promise<void> {
  await release(transaction, `c.consumer_uuid = $1 and c.consumer_kind = 'migration'`, [migration_id]);
}

/** Delete, and the unwind of a create: every claim of the instance and of its migrations goes. */
export async function releaseAllClaims(transaction: Queryable, instance_id: InstanceId): Promise<void> {
  await release(transaction, `c.instance_uuid = $1`, [instance_id]);
}

/** @param condition on the alias `c`; only texts of this file, never anything from outside. */
async function release(transaction: Queryable, condition: string, values: unknown[]): Promise<void> {
  await transaction.query(
    prepared(
      `with gone as (
         delete from claims c where ${condition} returning c.host_id, c.resource_class, c.amount
       ), used_now as (
         -- greatest: a wrong \`used\` must not keep an operation from ending; repair.ts finds and mends it
         update host_inventories n set used = greatest(n.used - g.amount, 0)
         from (select host_id, resource_class, sum(amount)::bigint as amount from gone group by 1, 2) g
         where n.host_id = g.host_id and n.resource_class = g.resource_class
       )
       update hosts set generation = generation + 1, updated_at = now()
       where id in (select host_id from gone)`,
      values,
    ),
  );
}
