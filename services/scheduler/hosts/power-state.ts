import type { Queryable } from '../../../shared/database/connect.ts';
import type { HostName } from '../../../shared/domain/ids.ts';
import { prepared } from '../drive/statement.ts';

/** What a host says of one guest. */
export interface SeenGuest {
  readonly instance_id: string;
  readonly epoch: number;
  readonly power_state: number;
}

/**
 * Takes over what a host found its guests to be, as Nova's sync does: one that went off by itself is `stopped`, one
 * that was started from outside is `active`. Only from the host where the instance lives, under the present epoch, and
 * only while no operation is at it: an operation knows better than a message that it has overtaken.
 * In VERIFY_RESIZE the power state alone is kept; confirm decides by it.
 * @returns how many instances have changed.
 */
export async function syncReportedGuests(
  database: Queryable,
  host: HostName,
  guests: readonly SeenGuest[],
): Promise<number> {
  if (guests.length === 0) return 0;
  const { rowCount } = await database.query(prepared(syncSql, [host, JSON.stringify(guests)]));
  return rowCount ?? 0;
}

/** Power states: 1 running, 4 shut down, 6 crashed. The uuid is compared as text: what a host says need not be one. */
const syncSql = `
  update instances i set power_state = g.power_state, updated_at = now(),
    vm_state = case
      when i.vm_state = 'active' and g.power_state in (4, 6) then 'stopped'
      when i.vm_state = 'stopped' and g.power_state = 1 then 'active'
      else i.vm_state end
  from jsonb_to_recordset($2::jsonb) as g(instance_id text, epoch bigint, power_state smallint)
  where i.uuid::text = g.instance_id and i.host = $1 and i.epoch = g.epoch and i.deleted_at is null
    and i.task_state is null and i.power_state <> g.power_state and g.power_state in (1, 3, 4, 6, 7)
    and i.vm_state in ('active', 'stopped', 'paused', 'suspended', 'resized')
    and not exists (select from operations o where o.instance_uuid = i.uuid
      and o.state in ('running', 'unwinding', 'stuck'))`;
