import { timeWithMicrosecondsOrNull } from '../http/times.ts';
import type { ServiceRow } from '../queries/services.ts';

/** Nova's zone for services that run no servers; shown to administrators only. */
const INTERNAL_ZONE = 'internal';

/** GET /os-availability-zone: zones that have an enabled compute service, then those that have only disabled ones. */
export function zoneSummaries(rows: readonly ServiceRow[]): object[] {
  const { available, closed } = zonesOf(rows.filter((row) => row.zone !== INTERNAL_ZONE));
  return [
    ...available.map((zone) => zoneView(zone, true, null)),
    ...closed.map((zone) => zoneView(zone, false, null)),
  ];
}

/** GET /os-availability-zone/detail: with the services of every host. A closed zone shows no hosts, as in Nova. */
export function zoneViews(rows: readonly ServiceRow[]): object[] {
  const { available, closed } = zonesOf(rows);
  return [
    ...available.map((zone) =>
      zoneView(zone, true, hostsOf(rows.filter((row) => row.zone === zone && !row.disabled))),
    ),
    ...closed.map((zone) => zoneView(zone, false, null)),
  ];
}

function zonesOf(rows: readonly ServiceRow[]): { available: string[]; closed: string[] } {
  const available = new Set(rows.filter((row) => !row.disabled).map((row) => row.zone));
  const closed = new Set(rows.map((row) => row.zone).filter((zone) => !available.has(zone)));
  return { available: [...available].sort(), closed: [...closed].sort() };
}

function zoneView(zone: string, available: boolean, hosts: object | null): object {
  return { zoneName: zone, zoneState: { available }, hosts };
}

function hostsOf(rows: readonly ServiceRow[]): object {
  const hosts = new Map<string, Record<string, object>>();
  for (const row of rows)
    hosts.set(row.host, {
      ...hosts.get(row.host),
      [row.binary_name]: {
        available: row.is_up,
        active: !row.disabled,
        updated_at: timeWithMicrosecondsOrNull(row.updated_at),
      },
    });
  return Object.fromEntries(hosts);
}
