import type { MigrationRow } from '../queries/migrations.ts';
import { timeWithMicroseconds } from '../http/times.ts';

/** A migration in GET /os-migrations: same keys, same order as Nova 26 (recordings migrations-list). */
export function migrationView(row: MigrationRow, atLeast: (minor: number) => boolean): object {
  return {
    id: row.id,
    ...(atLeast(59) ? { uuid: row.uuid } : {}),
    source_compute: row.source_compute,
    dest_compute: row.dest_compute,
    source_node: row.source_node,
    dest_node: row.dest_node,
    dest_host: row.dest_host,
    old_instance_type_id: row.old_flavor_id,
    new_instance_type_id: row.new_flavor_id,
    instance_uuid: row.instance_uuid,
    status: row.status,
    ...(atLeast(23) ? { migration_type: row.migration_type } : {}),
    ...(atLeast(80) ? { user_id: row.user_id, project_id: row.project_id } : {}),
    created_at: timeWithMicroseconds(row.created_at),
    updated_at: timeWithMicroseconds(row.updated_at),
  };
}

/**
 * A migration under way in GET /servers/{id}/migrations. Nova lists live ones only and leaves the disk figures of cold
 * ones empty; ours are true. Guests are off while their disks move, so there is no memory to report.
 */
export function serverMigrationView(row: MigrationRow, atLeast: (minor: number) => boolean): object {
  return {
    id: row.id,
    status: row.status,
    created_at: timeWithMicroseconds(row.created_at),
    updated_at: timeWithMicroseconds(row.updated_at),
    source_node: row.source_node,
    source_compute: row.source_compute,
    dest_node: row.dest_node,
    dest_compute: row.dest_compute,
    dest_host: row.dest_host,
    disk_total_bytes: row.disk_total_bytes,
    disk_processed_bytes: row.disk_processed_bytes,
    disk_remaining_bytes: row.disk_remaining_bytes,
    memory_total_bytes: null,
    memory_processed_bytes: null,
    memory_remaining_bytes: null,
    server_uuid: row.instance_uuid,
    ...(atLeast(59) ? { uuid: row.uuid } : {}),
    ...(atLeast(80) ? { user_id: row.user_id, project_id: row.project_id } : {}),
  };
}
