import type { Queryable } from '../../../shared/database/connect.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { Visibility } from './server-row.ts';

export interface ImageForServer {
  readonly id: string;
  readonly status: string;
  readonly disk_format: string | null;
  readonly size_bytes: number | null;
  readonly virtual_size_bytes: number | null;
  readonly min_disk_gb: number;
  readonly min_ram_mb: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The image, if the caller may see it: his own, a public or community one, or any for an administrator. */
export async function findImage(
  database: Queryable,
  id: string,
  visibility: Visibility,
): Promise<ImageForServer | null> {
  const { rows } = await database.query<ImageForServer>(
    `select id, status, disk_format, size_bytes, virtual_size_bytes, min_disk_gb, min_ram_mb, properties
     from images
     where id = $1 and deleted_at is null
       and ($2 or owner_project_id = $3 or visibility in ('public', 'community'))`,
    [id, visibility.is_admin, visibility.project_id],
  );
  return rows[0] ?? null;
}

/** Zones that a server may ask for: those of hosts whose agent is enabled, as Nova counts them. */
export async function listAvailableZones(
  database: Queryable,
  defaultZone: string,
): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ zone: string }>(
    `select distinct coalesce(z.zone, $1) as zone
     from hosts h
     join services s on s.id = h.service_id and not s.disabled
     left join lateral (
       select a.metadata->>'availability_zone' as zone
       from aggregate_hosts m join aggregates a on a.id = m.aggregate_id
       where m.host_id = h.id and a.metadata ? 'availability_zone' limit 1
     ) z on true`,
    [defaultZone],
  );
  return new Set(rows.map((row) => row.zone));
}

/** True if the user has a keypair of this name. */
export async function hasKeypair(database: Queryable, userId: string, name: string): Promise<boolean> {
  const { rowCount } = await database.query('select from keypairs where user_id = $1 and name = $2', [
    userId,
    name,
  ]);
  return rowCount !== 0;
}

/** The group, if it is the caller's project's (or anybody's, for an administrator), with its number of servers. */
export async function findServerGroup(
  database: Queryable,
  uuid: string,
  visibility: Visibility,
): Promise<{ readonly uuid: string; readonly members: number } | null> {
  const { rows } = await database.query<{ uuid: string; members: number }>(
    `select g.uuid, (select count(*)::integer from instances i
                     where i.server_group_uuid = g.uuid and i.deleted_at is null) as members
     from server_groups g where g.uuid = $1 and ($2 or g.project_id = $3)`,
    [uuid, visibility.is_admin, visibility.project_id],
  );
  return rows[0] ?? null;
}

export interface NewInstance {
  readonly uuid: InstanceId;
  readonly project_id: string;
  readonly user_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly hostname: string;
  readonly reservation_id: string;
  readonly launch_index: number;
  readonly flavor: FlavorSpec;
  readonly image_id: string;
  readonly image_properties: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly scheduler_hints: object;
  readonly server_group_uuid: string | null;
  readonly requested_availability_zone: string | null;
  readonly key_name: string | null;
  readonly config_drive: string;
  readonly user_data: string | null;
  readonly disk_config: 'AUTO' | 'MANUAL';
  readonly access_ip_v4: string | null;
  readonly access_ip_v6: string | null;
}

/** Device of the root disk; shown once a host has built the guest. */
const rootDeviceName = '/dev/sda';

/** A server that nobody has placed yet: BUILD, scheduling. */
export async function insertInstance(transaction: Queryable, instance: NewInstance): Promise<void> {
  await transaction.query(
    `insert into instances (uuid, project_id, user_id, name, description, hostname, reservation_id, launch_index,
       flavor, image_id, image_properties, metadata, tags, scheduler_hints, server_group_uuid,
       requested_availability_zone, key_name, config_drive, user_data, disk_config, access_ip_v4, access_ip_v6,
       root_device_name, vm_state, task_state)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
       $23, 'building', 'scheduling')`,
    [
      instance.uuid,
      instance.project_id,
      instance.user_id,
      instance.name,
      instance.description,
      instance.hostname,
      instance.reservation_id,
      instance.launch_index,
      JSON.stringify(instance.flavor),
      instance.image_id,
      JSON.stringify(instance.image_properties),
      JSON.stringify(instance.metadata),
      instance.tags,
      JSON.stringify(instance.scheduler_hints),
      instance.server_group_uuid,
      instance.requested_availability_zone,
      instance.key_name,
      instance.config_drive,
      instance.user_data,
      instance.disk_config,
      instance.access_ip_v4,
      instance.access_ip_v6,
      rootDeviceName,
    ],
  );
}
