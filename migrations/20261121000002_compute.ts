import type { Knex } from 'knex';

/** Images, flavors, services, hosts, aggregates, groups, quotas and instances. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table images (
      id uuid primary key,
      name text,
      status text not null check (status in ('queued', 'saving', 'active', 'deleted')),
      visibility text not null check (visibility in ('public', 'private', 'shared', 'community')),
      owner_project_id text,
      disk_format text,
      container_format text,
      size_bytes bigint,
      virtual_size_bytes bigint,
      checksum_md5 text,
      sha512 text,
      min_disk_gb integer not null default 0,
      min_ram_mb integer not null default 0,
      is_protected boolean not null default false,
      is_hidden boolean not null default false,
      tags text[] not null default '{}',
      properties jsonb not null default '{}',
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      deleted_at timestamptz
    );

    create table flavors (
      id integer generated always as identity primary key,
      flavor_id text not null,
      name text not null,
      vcpus integer not null check (vcpus > 0),
      memory_mb integer not null check (memory_mb > 0),
      root_gb integer not null check (root_gb >= 0),
      ephemeral_gb integer not null default 0 check (ephemeral_gb >= 0),
      swap_mb integer not null default 0 check (swap_mb >= 0),
      rxtx_factor double precision not null default 1,
      is_public boolean not null default true,
      disabled boolean not null default false,
      description text,
      extra_specs jsonb not null default '{}',
      created_at timestamptz not null default now(),
      updated_at timestamptz,
      unique (flavor_id),
      unique (name)
    );
    create table flavor_projects (
      flavor_id integer not null references flavors on delete cascade,
      project_id text not null,
      primary key (flavor_id, project_id)
    );

    -- every process that reports itself: nova-compute (agents), nova-scheduler, nova-conductor's stand-in
    create table services (
      id integer generated always as identity primary key,
      uuid uuid not null unique default gen_random_uuid(),
      binary_name text not null,
      host text not null,
      topic text,
      disabled boolean not null default false,
      disabled_reason text,
      forced_down boolean not null default false,
      report_count bigint not null default 0,
      last_seen_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz,
      unique (host, binary_name)
    );

    -- one row per compute host; owner: the scheduler, from the agent's reports
    create table hosts (
      id integer generated always as identity primary key,
      uuid uuid not null unique default gen_random_uuid(),
      service_id integer not null unique references services on delete cascade,
      name text not null unique,
      hypervisor_hostname text not null,
      hypervisor_type text not null,
      hypervisor_version integer not null,
      address text not null,
      agent_version text not null,
      boot_id text not null,
      report_sequence bigint not null,
      vcpus integer not null,
      memory_mb integer not null,
      local_gb integer not null,
      disk_available_bytes bigint,
      supported_instances jsonb not null default '[]',
      cpu_info jsonb not null default '{}',
      uptime text not null default '',
      metrics jsonb not null default '[]',
      numa_cells jsonb not null default '[]',
      pci_devices jsonb not null default '[]',
      failed_builds integer not null default 0,
      -- claims that this host's agent refused after we had made them: a host that lies about itself shows here
      claim_rejections integer not null default 0,
      -- digest of the last report without its sequence and uptime: an equal one is a mere heartbeat
      report_digest text not null default '',
      -- rises with every change of claims, inventory or state that placement may see
      generation bigint not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );

    -- capacity and use per resource class; used is kept equal to the sum of claims by claim.sql and checked by repair
    create table host_inventories (
      host_id integer not null references hosts on delete cascade,
      resource_class text not null,
      total bigint not null check (total >= 0),
      reserved bigint not null default 0 check (reserved >= 0),
      allocation_ratio double precision not null default 1 check (allocation_ratio > 0),
      max_unit bigint not null,
      used bigint not null default 0 check (used >= 0),
      primary key (host_id, resource_class)
    );

    create table aggregates (
      id integer generated always as identity primary key,
      uuid uuid not null unique default gen_random_uuid(),
      name text not null unique,
      metadata jsonb not null default '{}',
      created_at timestamptz not null default now(),
      updated_at timestamptz
    );
    create table aggregate_hosts (
      aggregate_id integer not null references aggregates on delete cascade,
      host_id integer not null references hosts on delete cascade,
      added_at timestamptz not null default now(),
      primary key (aggregate_id, host_id)
    );

    -- the cluster's version is the sum of all generations; hosts that are gone must not make it fall
    create table removed_host_generations (
      only_row boolean primary key default true check (only_row),
      generations bigint not null default 0
    );
    insert into removed_host_generations default values;
    create function keep_removed_generation() returns trigger language plpgsql as $$
      begin
        update removed_host_generations set generations = generations + old.generation + 1;
        return null;
      end $$;
    create trigger hosts_keep_generation after delete on hosts
      for each row execute function keep_removed_generation();

    -- Whoever changes what placement sees of a host (the api disables a service, changes an aggregate) need not know
    -- that schedulers keep a copy: the host's generation rises by itself, and they read it again.
    create function bump_host_of_service() returns trigger language plpgsql as $$
      begin
        update hosts set generation = generation + 1 where service_id = new.id;
        return null;
      end $$;
    create trigger services_change_hosts
      after update of disabled, forced_down, disabled_reason on services
      for each row when (old.disabled is distinct from new.disabled or old.forced_down is distinct from new.forced_down
        or old.disabled_reason is distinct from new.disabled_reason)
      execute function bump_host_of_service();
    create function bump_host_of_aggregate_member() returns trigger language plpgsql as $$
      begin
        update hosts set generation = generation + 1 where id = coalesce(new.host_id, old.host_id);
        return null;
      end $$;
    create trigger aggregate_hosts_change_hosts
      after insert or delete on aggregate_hosts
      for each row execute function bump_host_of_aggregate_member();
    create function bump_hosts_of_aggregate() returns trigger language plpgsql as $$
      begin
        -- in the order of ids, as every lock on several hosts is taken
        perform 1 from hosts where id in (select host_id from aggregate_hosts where aggregate_id = new.id)
          order by id for update;
        update hosts set generation = generation + 1
          where id in (select host_id from aggregate_hosts where aggregate_id = new.id);
        return null;
      end $$;
    create trigger aggregates_change_hosts
      after update of name, metadata on aggregates
      for each row execute function bump_hosts_of_aggregate();

    create table server_groups (
      id integer generated always as identity primary key,
      uuid uuid not null unique,
      project_id text not null,
      user_id text not null,
      name text not null,
      policy text not null check (policy in ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')),
      max_server_per_host integer check (max_server_per_host > 0),
      created_at timestamptz not null default now()
    );

    create table quotas (
      project_id text not null,
      resource text not null,
      hard_limit integer not null,
      primary key (project_id, resource)
    );

    create table keypairs (
      id integer generated always as identity primary key,
      user_id text not null,
      name text not null,
      type text not null default 'ssh',
      public_key text not null,
      fingerprint text not null,
      created_at timestamptz not null default now(),
      unique (user_id, name)
    );

    create table instances (
      id integer generated always as identity primary key,
      uuid uuid not null unique,
      project_id text not null,
      user_id text not null,
      name text not null,
      description text,
      hostname text not null,
      reservation_id text not null,
      launch_index integer not null default 0,
      -- the flavor as it was at creation or at the last finished resize (FlavorSpec)
      flavor jsonb not null,
      image_id uuid,
      image_properties jsonb not null default '{}',
      metadata jsonb not null default '{}',
      tags text[] not null default '{}',
      scheduler_hints jsonb not null default '{}',
      server_group_uuid uuid,
      requested_availability_zone text,
      availability_zone text,
      key_name text,
      config_drive text not null default '',
      user_data text,
      disk_config text not null default 'MANUAL' check (disk_config in ('AUTO', 'MANUAL')),
      access_ip_v4 text,
      access_ip_v6 text,
      root_device_name text,
      addresses jsonb not null default '{}',
      security_groups jsonb not null default '[]',
      -- the one place that says where the instance lives; written by the scheduler alone
      host text,
      node text,
      -- proves which host may run it: rises with every change of home
      epoch bigint not null default 0,
      vm_state text not null check (vm_state in
        ('building', 'active', 'paused', 'suspended', 'stopped', 'resized', 'deleted', 'error')),
      task_state text check (task_state in
        ('scheduling', 'spawning', 'powering-on', 'powering-off', 'rebooting', 'rebooting_hard', 'resize_prep',
         'resize_migrating', 'resize_migrated', 'resize_finish', 'resize_reverting', 'deleting')),
      power_state smallint not null default 0,
      progress smallint not null default 0,
      locked_by text check (locked_by in ('admin', 'owner')),
      locked_reason text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      launched_at timestamptz,
      terminated_at timestamptz,
      deleted_at timestamptz
    );
    create index instances_live_by_project on instances (project_id, created_at desc, id desc) where deleted_at is null;
    create index instances_live_by_host on instances (host) where deleted_at is null;
    create index instances_live_by_created_at on instances (created_at desc, id desc) where deleted_at is null;
    create index instances_by_server_group on instances (server_group_uuid) where server_group_uuid is not null;

    create table instance_faults (
      id bigint generated always as identity primary key,
      instance_uuid uuid not null references instances (uuid) on delete cascade,
      code integer not null,
      message varchar(255) not null,
      details text,
      host text,
      created_at timestamptz not null default now()
    );
    create index instance_faults_newest on instance_faults (instance_uuid, id desc);

    create table instance_actions (
      id bigint generated always as identity primary key,
      instance_uuid uuid not null references instances (uuid) on delete cascade,
      action text not null,
      request_id text not null,
      user_id text not null,
      project_id text not null,
      message text,
      started_at timestamptz not null default now(),
      finished_at timestamptz,
      updated_at timestamptz not null default now()
    );
    create index instance_actions_by_instance on instance_actions (instance_uuid, id desc);

    create table instance_action_events (
      id bigint generated always as identity primary key,
      action_id bigint not null references instance_actions on delete cascade,
      event text not null,
      host text,
      started_at timestamptz not null default now(),
      finished_at timestamptz,
      result text check (result in ('Success', 'Error')),
      details text,
      traceback text
    );
    create index instance_action_events_by_action on instance_action_events (action_id, id);
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
