import type { Queryable } from '../../../shared/database/connect.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { afterMarker, conditionList, orderBy, type SortColumn } from './search-conditions.ts';

/** One request that somebody made about a server. */
export interface InstanceActionRow {
  readonly id: number;
  readonly instance_uuid: InstanceId;
  readonly action: string;
  readonly request_id: string;
  readonly user_id: string;
  readonly project_id: string;
  readonly message: string | null;
  readonly started_at: Date;
  readonly updated_at: Date;
}

/** One thing that happened while the request was carried out. */
export interface InstanceActionEventRow {
  readonly event: string;
  readonly host: string | null;
  readonly started_at: Date;
  readonly finished_at: Date | null;
  readonly result: 'Success' | 'Error' | null;
  readonly details: string | null;
  readonly traceback: string | null;
}

export interface InstanceActionPage {
  readonly limit: number | null;
  /** Request id of the last action of the page before. */
  readonly marker: string | null;
  readonly changes_since: string | null;
  readonly changes_before: string | null;
}

const columns =
  'a.id, a.instance_uuid, a.action, a.request_id, a.user_id, a.project_id, a.message, a.started_at, a.updated_at';
const newestFirst: readonly SortColumn[] = [{ expression: (row) => `${row}.id`, direction: 'desc' }];

/** Actions of one server, newest first. Throws `marker_not_found` with Nova's odd `None`. */
export async function listInstanceActions(
  database: Queryable,
  instanceId: InstanceId,
  page: InstanceActionPage,
): Promise<readonly InstanceActionRow[]> {
  const list = conditionList([]);
  list.add(`a.instance_uuid = ${list.place(instanceId)}`);
  let markerJoin = '';
  if (page.marker !== null) {
    const found = await findInstanceAction(database, instanceId, page.marker);
    // Nova looks the marker up by a field that it has not filled: its text says None whatever was asked
    if (found === null) throw new DroverError('marker_not_found', { marker: 'None' });
    markerJoin = `join instance_actions marker on marker.id = ${list.place(found.id)}`;
    list.add(afterMarker(newestFirst, 'a', 'marker'));
  }
  if (page.changes_since !== null) list.add(`a.updated_at >= ${list.place(page.changes_since)}`);
  if (page.changes_before !== null) list.add(`a.updated_at <= ${list.place(page.changes_before)}`);
  const limit = page.limit === null ? '' : `limit ${list.place(page.limit)}`;
  const { rows } = await database.query<InstanceActionRow>(
    `select ${columns} from instance_actions a ${markerJoin}
     where ${list.conditions.join(' and ')} order by ${orderBy(newestFirst, 'a')} ${limit}`,
    list.parameters,
  );
  return rows;
}

/** The action that this request caused; the newest, should one request have caused two. */
export async function findInstanceAction(
  database: Queryable,
  instanceId: InstanceId,
  requestId: string,
): Promise<InstanceActionRow | null> {
  const { rows } = await database.query<InstanceActionRow>(
    `select ${columns} from instance_actions a
     where a.instance_uuid = $1 and a.request_id = $2 order by a.id desc limit 1`,
    [instanceId, requestId],
  );
  return rows[0] ?? null;
}

/** Events of one action, newest first. */
export async function listInstanceActionEvents(
  database: Queryable,
  actionId: number,
): Promise<readonly InstanceActionEventRow[]> {
  const { rows } = await database.query<InstanceActionEventRow>(
    `select event, host, started_at, finished_at, result, details, traceback
     from instance_action_events where action_id = $1 order by id desc`,
    [actionId],
  );
  return rows;
}
