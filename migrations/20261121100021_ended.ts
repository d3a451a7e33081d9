import type { Knex } from 'knex';

/** What has ended since the last look, and the newest decisions, without reading all that ever were. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index operations_finished_at on operations (finished_at) where finished_at is not null;
    create index decisions_by_created_at on decisions (created_at desc);
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
