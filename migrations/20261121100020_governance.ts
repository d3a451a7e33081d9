import type { Knex } from 'knex';

/** Turns of copies, their order, and the pause of one of them. Owner: the api asks (priority, pause), the scheduler gives turns. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table operations
      -- waiting: for its turn to copy; held: it counts against the limits of its hosts. Only of what runs or unwinds.
      add column turn text check (turn in ('waiting', 'held')),
      -- order among equal priorities: services/scheduler/migration/turn-queue.ts
      add column turn_tag bigint,
      add column priority integer not null default 0,
      -- since when a person wants it to stand still; null: it goes on
      add column paused_at timestamptz;
    create index operations_with_turn on operations (turn) where turn is not null;
    create index operations_granted_tag on operations (turn_tag) where turn_tag is not null and turn is distinct from 'waiting';
    create index operations_project_tag on operations (project_id, turn_tag) where turn_tag is not null;
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
