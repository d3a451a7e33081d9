import { timeWithMicrosecondsOrNull } from '../http/times.ts';
import type { ServiceRow } from '../queries/services.ts';

/** A compute service: recordings `services`. The id is the UUID from 2.53 on. */
export function serviceView(row: ServiceRow, atLeast: (minor: number) => boolean): object {
  return {
    binary: row.binary_name,
    host: row.host,
    id: atLeast(53) ? row.uuid : row.id,
    zone: row.zone,
    status: row.disabled ? 'disabled' : 'enabled',
    state: row.is_up ? 'up' : 'down',
    updated_at: timeWithMicrosecondsOrNull(row.updated_at),
    disabled_reason: row.disabled_reason,
    ...(atLeast(11) ? { forced_down: row.forced_down } : {}),
  };
}
