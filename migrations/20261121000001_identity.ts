import type { Knex } from 'knex';

/** Users, projects, roles, tokens and the catalog. Ids are Keystone's form: 32 hexadecimal digits (domains: text). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table domains (
      id text primary key,
      name text not null unique,
      description text not null default '',
      enabled boolean not null default true
    );
    insert into domains (id, name, description) values ('default', 'Default', 'The default domain');

    create table projects (
      id text primary key check (id ~ '^[0-9a-f]{32}$'),
      domain_id text not null references domains,
      name text not null,
      description text not null default '',
      enabled boolean not null default true,
      created_at timestamptz not null default now(),
      unique (domain_id, name)
    );

    create table users (
      id text primary key check (id ~ '^[0-9a-f]{32}$'),
      domain_id text not null references domains,
      name text not null,
      -- scrypt$N$r$p$salt$hash, base64; null: may not log in with a password
      password_hash text,
      default_project_id text,
      enabled boolean not null default true,
      -- description and email
      extra jsonb not null default '{}',
      created_at timestamptz not null default now(),
      unique (domain_id, name)
    );

    create table roles (
      id text primary key check (id ~ '^[0-9a-f]{32}$'),
      name text not null unique,
      description text
    );
    -- admin implies member, member implies reader: a token lists all of them
    create table role_implications (
      prior_role_id text not null references roles on delete cascade,
      implied_role_id text not null references roles on delete cascade,
      primary key (prior_role_id, implied_role_id)
    );
    create table role_assignments (
      user_id text not null references users on delete cascade,
      project_id text not null references projects on delete cascade,
      role_id text not null references roles on delete cascade,
      primary key (user_id, project_id, role_id)
    );

    create table tokens (
      -- sha256 of the token: a copy of this table lets nobody in
      token_hash bytea primary key,
      user_id text not null references users on delete cascade,
      project_id text references projects on delete cascade,
      methods text[] not null,
      audit_ids text[] not null,
      issued_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index tokens_expires_at on tokens (expires_at);

    create table catalog_services (
      id text primary key,
      type text not null unique,
      name text not null,
      description text not null default '',
      enabled boolean not null default true
    );
    create table catalog_endpoints (
      id text primary key,
      service_id text not null references catalog_services on delete cascade,
      interface text not null check (interface in ('public', 'internal', 'admin')),
      region_id text not null,
      url text not null,
      enabled boolean not null default true,
      unique (service_id, interface, region_id)
    );

    -- values that the processes share and that no person types: the image tickets' key
    create table secrets (
      name text primary key,
      value bytea not null,
      created_at timestamptz not null default now()
    );
    insert into secrets (name, value)
      values ('image_ticket_key', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
