import type { Queryable } from '../../../shared/database/connect.ts';

const DECISIONS_KEPT_DAYS = 30;

/**
 * Removes what nobody will ask for again: expired tokens, and decisions of no migration that are a month old (those
 * of migrations stay with them). Bounded per call, so that it never holds anything for long.
 * @returns rows removed.
 */
export async function removeExpired(database: Queryable): Promise<number> {
  const tokens = await database.query(
    `delete from tokens where token_hash in
       (select token_hash from tokens where expires_at < now() - interval '1 day' limit 10000)`,
  );
  const decisions = await database.query(
    `delete from decisions where id in (
       select d.id from decisions d
       where d.created_at < now() - make_interval(days => $1)
         and not exists (select from migrations m where m.decision_id = d.id)
       limit 10000)`,
    [DECISIONS_KEPT_DAYS],
  );
  return (tokens.rowCount ?? 0) + (decisions.rowCount ?? 0);
}
