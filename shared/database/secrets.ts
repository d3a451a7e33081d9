import type { Queryable } from './connect.ts';

/** The key of image tickets, made with the schema and the same for all processes. */
export async function readImageTicketKey(database: Queryable): Promise<Buffer> {
  const { rows } = await database.query<{ value: Buffer }>(
    `select value from secrets where name = 'image_ticket_key'`,
  );
  const key = rows[0]?.value;
  if (key === undefined) throw new Error('the database has no image_ticket_key; was it migrated?');
  return key;
}
