import type { Queryable } from '../../../shared/database/connect.ts';
import { hostName, type HostName, type InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { LockedInstance } from './instance-guard.ts';

/** The host a placed instance is on. @throws DroverError instance_not_ready */
export function hostOf(instance: Pick<LockedInstance, 'uuid' | 'host'>): HostName {
  if (instance.host === null) throw new DroverError('instance_not_ready', { instance: instance.uuid });
  return instance.host;
}

/**
 * Refuses work that a host must do while its agent is down: forced down, or silent for longer than
 * `service_down_time_seconds`. @throws DroverError compute_service_down
 */
export async function requireServiceUp(
  database: Queryable,
  host: string,
  serviceDownTimeSeconds: number,
): Promise<void> {
  const { rowCount } = await database.query(
    `select from services
     where host = $1 and binary_name = 'nova-compute' and not forced_down
       and last_seen_at >= now() - make_interval(secs => $2)`,
    [host, serviceDownTimeSeconds],
  );
  if (rowCount === 0) throw new DroverError('compute_service_down', { host });
}

/** The host of this name, as it is spelled in the inventory. @throws DroverError requested_host_not_found */
export async function requireHost(database: Queryable, name: string): Promise<HostName> {
  const { rows } = await database.query<{ name: string }>('select name from hosts where name = $1', [name]);
  const found = rows[0];
  if (found === undefined) throw new DroverError('requested_host_not_found', { host: name });
  return hostName(found.name);
}

/** The host whose hypervisor has this name (create with `hypervisor_hostname`). @throws DroverError requested_host_not_found */
export async function requireHypervisor(database: Queryable, hypervisorHostname: string): Promise<HostName> {
  const { rows } = await database.query<{ name: string }>(
    'select name from hosts where hypervisor_hostname = $1',
    [hypervisorHostname],
  );
  const found = rows[0];
  if (found === undefined) throw new DroverError('requested_host_not_found', { host: hypervisorHostname });
  return hostName(found.name);
}

/** Number and status of the migration that waits for confirm or revert; null: none. */
export async function findFinishedMigration(
  transaction: Queryable,
  instance: InstanceId,
): Promise<{ readonly uuid: string; readonly source_compute: string } | null> {
  const { rows } = await transaction.query<{ uuid: string; source_compute: string }>(
    `select uuid, source_compute from migrations
     where instance_uuid = $1 and status = 'finished' order by id desc limit 1 for update`,
    [instance],
  );
  return rows[0] ?? null;
}
