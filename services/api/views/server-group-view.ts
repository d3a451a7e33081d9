import type { ServerGroupRow } from '../queries/server-groups.ts';

/** A server group: recordings `server-groups`. Until 2.63 with a list of policies and metadata that is always empty. */
export function serverGroupView(row: ServerGroupRow, atLeast: (minor: number) => boolean): object {
  const rules = row.max_server_per_host === null ? {} : { max_server_per_host: row.max_server_per_host };
  return {
    id: row.uuid,
    name: row.name,
    ...(atLeast(64) ? { policy: row.policy, rules } : { policies: [row.policy], metadata: {} }),
    members: row.members,
    ...(atLeast(13) ? { project_id: row.project_id, user_id: row.user_id } : {}),
  };
}
