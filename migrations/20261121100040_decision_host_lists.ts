import type { Knex } from 'knex';

/** Names of hosts, stored once for all the decisions that considered the same ones (placement-record.ts). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table decision_host_lists (
      -- SHA-256 of the names in their order
      digest text primary key,
      names text[] not null,
      created_at timestamptz not null default now()
    );
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
