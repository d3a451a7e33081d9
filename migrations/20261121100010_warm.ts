import type { Knex } from 'knex';

/** How a copy is made, and how long its guest was off. Owner: the api asks (mode, budget), the scheduler writes the rest. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table migrations
      add column mode text not null default 'cold' check (mode in ('cold', 'warm')),
      add column downtime_budget_seconds double precision,
      -- of a warm one: what each round did while the guest ran, why they ended, and what was expected of the rest
      add column rounds jsonb not null default '[]',
      add column precopy_ended text,
      add column predicted_downtime_seconds double precision,
      -- of a guest that ran: from the order to stop it until it had arrived
      add column guest_stopping_at timestamptz,
      add column downtime_seconds double precision;
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
