import type { InstanceActionEventRow, InstanceActionRow } from '../queries/instance-actions.ts';
import { hostIdOf } from './server-view.ts';
import { timeWithMicroseconds, timeWithMicrosecondsOrNull } from '../http/times.ts';

/** Entry of the list, and the head of one action's body. */
export function instanceActionView(
  row: InstanceActionRow,
  atLeast: (minor: number) => boolean,
): Record<string, unknown> {
  return {
    action: row.action,
    instance_uuid: row.instance_uuid,
    request_id: row.request_id,
    user_id: row.user_id,
    project_id: row.project_id,
    start_time: timeWithMicroseconds(row.started_at),
    message: row.message,
    ...(atLeast(58) ? { updated_at: timeWithMicroseconds(row.updated_at) } : {}),
  };
}

export interface EventViewOptions {
  readonly atLeast: (minor: number) => boolean;
  /** Project of the server: hostId hides the host's name behind it. */
  readonly project_id: string;
  /** Policy os-instance-actions:events: traceback and host's name. */
  readonly shows_traceback: boolean;
  /** Policy os-instance-actions:events:details. */
  readonly shows_details: boolean;
}

/** One event: traceback, then host and hostId (2.62), then details (2.84). */
export function instanceActionEventView(row: InstanceActionEventRow, options: EventViewOptions): object {
  const view: Record<string, unknown> = {
    event: row.event,
    start_time: timeWithMicroseconds(row.started_at),
    finish_time: timeWithMicrosecondsOrNull(row.finished_at),
    result: row.result,
  };
  if (options.shows_traceback) view['traceback'] = row.traceback;
  if (options.atLeast(62)) {
    if (options.shows_traceback) view['host'] = row.host;
    view['hostId'] = hostIdOf(options.project_id, row.host);
  }
  if (options.atLeast(84) && options.shows_details) view['details'] = row.details;
  return view;
}
