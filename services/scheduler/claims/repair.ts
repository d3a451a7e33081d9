import type { Pool } from '../../../shared/database/connect.ts';
import { inTransaction } from '../../../shared/database/connect.ts';

/** One thing that was wrong with the books, in words and in numbers. */
export interface Finding {
  readonly kind: 'orphaned_claim' | 'wrong_used';
  readonly host: string;
  readonly resource_class: string;
  readonly sentence: string;
}

interface OrphanRow {
  readonly host: string;
  readonly consumer_kind: string;
  readonly consumer_uuid: string;
  readonly resource_class: string;
  readonly amount: number;
  /** Where its instance lives, if it is elsewhere; null: it is nowhere, or gone. */
  readonly lives_on: string | null;
}
interface UsedRow {
  readonly host: string;
  readonly resource_class: string;
  readonly used: number;
  readonly claimed: number;
}

/**
 * Finds claims that nobody owns (the instance is deleted or lives elsewhere, or the migration has come to rest) and
 * inventories whose `used` is not the sum of their claims, and mends both unless `dry_run`. All hosts are locked for the moment it takes,
 * so no claim is half made. @returns what was found, in words, whether mended or not.
 */
export async function repairClaims(pool: Pool, options: { readonly dry_run: boolean }): Promise<Finding[]> {
  return await inTransaction(pool, async (transaction) => {
    await transaction.query('select id from hosts order by id for update');
    const orphans = await transaction.query<OrphanRow>(
      `select h.name as host, c.consumer_kind, c.consumer_uuid, c.resource_class, c.amount,
         (select i.host from instances i where i.uuid = c.instance_uuid and i.deleted_at is null
            and c.consumer_kind = 'instance') as lives_on
       from claims c join hosts h on h.id = c.host_id
       where ${isOrphan} order by h.name, c.consumer_uuid, c.resource_class`,
    );
    if (!options.dry_run) await transaction.query(`delete from claims c where ${isOrphan}`);
    const wrong = await transaction.query<UsedRow>(
      `select h.name as host, n.resource_class, n.used, s.claimed
       from host_inventories n join hosts h on h.id = n.host_id
       cross join lateral (select coalesce(sum(c.amount), 0)::bigint as claimed from claims c
         where c.host_id = n.host_id and c.resource_class = n.resource_class
           and not (${isOrphan})) s
       where n.used <> s.claimed order by h.name, n.resource_class`,
    );
    if (!options.dry_run && wrong.rows.length > 0) {
      await transaction.query(
        `update host_inventories n set used = coalesce((select sum(c.amount) from claims c
           where c.host_id = n.host_id and c.resource_class = n.resource_class), 0)`,
      );
    }
    // Also where only an orphan went: schedulers would still see what it held by name.
    const changed = [...orphans.rows, ...wrong.rows].map((row) => row.host);
    if (!options.dry_run && changed.length > 0) {
      await transaction.query('update hosts set generation = generation + 1 where name = any($1::text[])', [
        changed,
      ]);
    }
    return [...orphans.rows.map(describeOrphan), ...wrong.rows.map(describeUsed)];
  });
}

/**
 * No live instance stands behind it, or the instance lives elsewhere and nothing is under way that would bring it here,
 * or its migration holds nothing any more (alias `c`).
 */
const isOrphan = `
  not exists (select from instances i where i.uuid = c.instance_uuid and i.deleted_at is null)
  or (c.consumer_kind = 'instance' and not exists (select from instances i join hosts home on home.name = i.host
        where i.uuid = c.instance_uuid and home.id = c.host_id)
      and not exists (select from operations o where o.instance_uuid = c.instance_uuid
        and o.state in ('waiting', 'running', 'unwinding', 'stuck')))
  or (c.consumer_kind = 'migration' and not exists (select from migrations m where m.uuid = c.consumer_uuid
        and m.status not in ('confirmed', 'reverted', 'error', 'cancelled')))`;

function describeOrphan(row: OrphanRow): Finding {
  const state = row.lives_on === null ? 'is gone' : `lives on ${row.lives_on}`;
  return {
    kind: 'orphaned_claim',
    host: row.host,
    resource_class: row.resource_class,
    sentence: `${row.host}: ${row.consumer_kind} ${row.consumer_uuid} ${state} but held ${row.amount} ${row.resource_class}.`,
  };
}

function describeUsed(row: UsedRow): Finding {
  return {
    kind: 'wrong_used',
    host: row.host,
    resource_class: row.resource_class,
    sentence: `${row.host}: ${row.resource_class} was counted as ${row.used} in use, its claims add up to ${row.claimed}.`,
  };
}
