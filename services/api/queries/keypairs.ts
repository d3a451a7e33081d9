import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { isUniqueViolation } from './search-conditions.ts';

export interface KeypairRow {
  readonly id: number;
  readonly user_id: string;
  readonly name: string;
  readonly type: string;
  readonly public_key: string;
  readonly fingerprint: string;
  readonly created_at: Date;
}

const columns = 'id, user_id, name, type, public_key, fingerprint, created_at';

/** A user's keypairs by name. @param marker name of the last one of the page before. */
export async function listKeypairs(
  database: Queryable,
  userId: string,
  page: { readonly limit: number; readonly marker: string | null },
): Promise<readonly KeypairRow[]> {
  if (page.marker !== null && (await findKeypair(database, userId, page.marker)) === null)
    throw new DroverError('marker_not_found', { marker: page.marker });
  const { rows } = await database.query<KeypairRow>(
    `select ${columns} from keypairs where user_id = $1 and ($2::text is null or name > $2) order by name limit $3`,
    [userId, page.marker, page.limit],
  );
  return rows;
}

export async function findKeypair(
  database: Queryable,
  userId: string,
  name: string,
): Promise<KeypairRow | null> {
  const { rows } = await database.query<KeypairRow>(
    `select ${columns} from keypairs where user_id = $1 and name = $2`,
    [userId, name],
  );
  return rows[0] ?? null;
}

/** @throws DroverError keypair_limit, keypair_exists */
export async function insertKeypair(
  database: Queryable,
  keypair: Omit<KeypairRow, 'id' | 'created_at'>,
  limit: number,
): Promise<KeypairRow> {
  const { user_id, name, type, public_key, fingerprint } = keypair;
  const counted = await database.query<{ count: number }>(
    'select count(*)::integer as count from keypairs where user_id = $1',
    [user_id],
  );
  if (limit >= 0 && (counted.rows[0]?.count ?? 0) >= limit) throw new DroverError('keypair_limit');
  try {
    const { rows } = await database.query<KeypairRow>(
      `insert into keypairs (user_id, name, type, public_key, fingerprint) values ($1, $2, $3, $4, $5)
       returning ${columns}`,
      [user_id, name, type, public_key, fingerprint],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('an inserted keypair was not returned');
    return row;
  } catch (error) {
    if (isUniqueViolation(error)) throw new DroverError('keypair_exists', { name }, { cause: error });
    throw error;
  }
}

/** True if there was one to delete. */
export async function deleteKeypair(database: Queryable, userId: string, name: string): Promise<boolean> {
  const { rowCount } = await database.query('delete from keypairs where user_id = $1 and name = $2', [
    userId,
    name,
  ]);
  return rowCount !== 0;
}
