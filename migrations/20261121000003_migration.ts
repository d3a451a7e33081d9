import type { Knex } from 'knex';

/** Operations, migrations, claims, decisions and the outbox. Owner of all of these: the scheduler (the api inserts). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table decisions (
      id uuid primary key,
      kind text not null check (kind in ('create', 'cold', 'dry-run')),
      instance_uuid uuid,
      request_id text not null,
      chosen_host text,
      -- one sentence: the chosen host, or "No valid host was found. 12 of 14 hosts: …"
      summary text not null,
      -- the whole Decision as the placement core gave it, as compressed JSON (placement-record.ts); replays from here
      record bytea not null,
      created_at timestamptz not null default now()
    );
    -- compressed already: the database need not try again
    alter table decisions alter column record set storage external;
    create index decisions_by_instance on decisions (instance_uuid, created_at desc);

    -- Rows that change with every step: room on their pages, and no index on what changes each time (lease, updated_at),
    -- so that a new version of a row needs no new entries in the indexes.
    create table migrations (
      id integer generated always as identity primary key,
      uuid uuid not null unique,
      instance_uuid uuid not null references instances (uuid) on delete cascade,
      migration_type text not null check (migration_type in ('migration', 'resize')),
      status text not null check (status in ('pre-migrating', 'migrating', 'post-migrating', 'finished',
        'confirming', 'confirmed', 'reverting', 'reverted', 'error', 'cancelled')),
      phase text not null,
      source_compute text not null,
      source_node text not null,
      dest_compute text,
      dest_node text,
      dest_host text,
      old_flavor jsonb not null,
      new_flavor jsonb not null,
      -- state of the guest before the move: what confirm, revert and every unwind give back
      old_vm_state text not null,
      was_running boolean,
      requested_host text,
      decision_id uuid references decisions,
      user_id text not null,
      project_id text not null,
      request_id text not null,
      -- why it failed or was cancelled: the code of the error and the whole sentence
      reason_code text,
      reason text,
      round integer not null default 0,
      disk_total_bytes bigint,
      disk_processed_bytes bigint,
      disk_remaining_bytes bigint,
      sent_bytes bigint,
      skipped_bytes bigint,
      resent_bytes bigint,
      rate_bytes_per_second bigint,
      eta_seconds integer,
      limit_bytes_per_second bigint not null default 0,
      -- digests of both sides, kept for ever: { source: DiskDigest[], target: DiskDigest[] }
      digests jsonb not null default '{}',
      hidden boolean not null default false,
      -- when resize_confirm_window confirms it by itself; null: never
      confirm_due_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      finished_at timestamptz,
      deleted_at timestamptz
    ) with (fillfactor = 70);
    create unique index migrations_one_live_per_instance on migrations (instance_uuid)
      where status in ('pre-migrating', 'migrating', 'post-migrating', 'finished', 'confirming', 'reverting');
    create index migrations_by_status on migrations (status);
    create index migrations_by_created_at on migrations (created_at desc, id desc);
    create index migrations_confirm_due on migrations (confirm_due_at) where confirm_due_at is not null;

    create table operations (
      id uuid primary key,
      kind text not null check (kind in ('create', 'delete', 'start', 'stop', 'reboot', 'cold', 'confirm', 'revert')),
      instance_uuid uuid not null references instances (uuid) on delete cascade,
      migration_uuid uuid references migrations (uuid) on delete cascade,
      action_id bigint references instance_actions on delete set null,
      request_id text not null,
      user_id text not null,
      project_id text not null,
      -- what was asked for: { host?, limit_bytes_per_second?, reboot_type? … }
      request jsonb not null default '{}',
      state text not null default 'running'
        check (state in ('waiting', 'running', 'unwinding', 'done', 'unwound', 'stuck')),
      step text,
      -- what the steps found out, by step name; grows, is never rewritten
      facts jsonb not null default '{}',
      attempt integer not null default 0,
      -- how often this step was taken up again after a lost lease or reply; capped
      recoveries integer not null default 0,
      -- pending: not yet ordered; ordered: a command or decision is under way
      step_state text not null default 'pending' check (step_state in ('pending', 'ordered')),
      deadline_at timestamptz,
      cancel_requested_at timestamptz,
      -- a person ordered a stuck operation to go on; cleared when a scheduler has taken it up
      resume_requested_at timestamptz,
      -- with it: the step that could not be done counts as done, a person has seen to it
      resume_as_resolved boolean not null default false,
      reason_code text,
      reason text,
      reason_step text,
      lease_owner text,
      lease_expires_at timestamptz,
      fencing bigint not null default 0,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      finished_at timestamptz
    ) with (fillfactor = 70);
    create unique index operations_one_live_per_instance on operations (instance_uuid)
      where state in ('running', 'unwinding', 'stuck');
    create index operations_waiting on operations (instance_uuid, created_at) where state = 'waiting';
    create index operations_unfinished on operations (created_at) where state in ('waiting', 'running', 'unwinding');
    create index operations_by_migration on operations (migration_uuid);

    -- append-only: every order, answer and takeover of every step, in order
    create table operation_steps (
      id bigint generated always as identity primary key,
      operation_id uuid not null references operations on delete cascade,
      step text not null,
      direction text not null check (direction in ('action', 'undo')),
      attempt integer not null,
      host text,
      event text not null,
      summary text,
      details jsonb,
      at timestamptz not null default clock_timestamp()
    );
    create index operation_steps_by_operation on operation_steps (operation_id, id);

    -- capacity reserved on a host. During a move the source's claim belongs to the migration, the target's to the instance.
    create table claims (
      host_id integer not null references hosts on delete restrict,
      consumer_uuid uuid not null,
      consumer_kind text not null check (consumer_kind in ('instance', 'migration')),
      instance_uuid uuid not null,
      resource_class text not null,
      amount bigint not null check (amount > 0),
      -- which devices or cells, where the class alone does not say it
      details jsonb,
      created_at timestamptz not null default now(),
      primary key (consumer_uuid, host_id, resource_class)
    );
    create index claims_by_host on claims (host_id);
    create index claims_by_instance on claims (instance_uuid);

    create table outbox (
      id bigint generated always as identity primary key,
      exchange text not null,
      routing_key text not null,
      message jsonb not null,
      created_at timestamptz not null default now()
    );
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
