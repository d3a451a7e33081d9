import type { Pool } from '../../../shared/database/connect.ts';
import type { HostReport } from '../../../shared/messaging/host-report.ts';
import { prepared } from '../drive/statement.ts';
import { transact, type Transaction } from '../drive/transaction.ts';
import { inventoriesOf, type InitialRatios } from './inventory-of-report.ts';
import { syncReportedGuests } from './power-state.ts';
import { reportDigest } from './report-digest.ts';

/** heartbeat: nothing new; changed: stored; registered: a new host; late: an older report of the same boot. */
export type ReportOutcome = 'heartbeat' | 'changed' | 'registered' | 'late';

/**
 * Takes one report of a host. Most say nothing new: those cost one small update and wake nobody. Whether something is
 * new is judged by the digest in the database and not in memory, because another scheduler may have taken the last one.
 */
export async function ingestReport(
  pool: Pool,
  report: HostReport,
  initial: InitialRatios,
): Promise<ReportOutcome> {
  const digest = reportDigest(report);
  const heartbeat = await pool.query(prepared(heartbeatSql, [report.host, digest]));
  if (heartbeat.rowCount !== 0) return 'heartbeat';
  return await transact(pool, (transaction) => store(transaction, report, digest, initial));
}

const heartbeatSql = `
  update services s set last_seen_at = now(), report_count = report_count + 1
  from hosts h
  where h.service_id = s.id and h.name = $1 and h.report_digest = $2`;

async function store(
  transaction: Transaction,
  report: HostReport,
  digest: string,
  initial: InitialRatios,
): Promise<ReportOutcome> {
  // Instances are locked before hosts, as everywhere; so whether the report is late is first judged without a lock.
  const seemed_late = isLate(report, await storedReport(transaction, report.host, ''));
  if (!seemed_late) await syncReportedGuests(transaction, report.host, report.guests);
  // The service's row first: two first reports of one host meet here, and the second one waits.
  const service = await transaction.query<{ id: number }>(
    prepared(serviceSql, ['nova-compute', report.host, 'compute']),
  );
  const before = await storedReport(transaction, report.host, 'for update');
  if (isLate(report, before)) {
    // Still a sign of life: the service's row is kept. A newer report that came just now has shown that itself, and
    // what was taken over from this one must not stay.
    if (seemed_late) await transaction.finish([]);
    return 'late';
  }
  const writing = [
    transaction.query(prepared(hostSql, hostValues(report, digest, service.rows[0]?.id))),
    transaction.query(prepared(inventorySql, [report.host, JSON.stringify(inventoriesOf(report, initial))])),
  ];
  await transaction.finish(writing);
  return before === undefined ? 'registered' : 'changed';
}

interface StoredReport {
  readonly boot_id: string;
  readonly report_sequence: number;
}

async function storedReport(
  transaction: Transaction,
  host: HostReport['host'],
  lock: '' | 'for update',
): Promise<StoredReport | undefined> {
  const sql = `select boot_id, report_sequence from hosts where name = $1 ${lock}`;
  return (await transaction.query<StoredReport>(prepared(sql, [host]))).rows[0];
}

function isLate(report: HostReport, stored: StoredReport | undefined): boolean {
  return (
    stored !== undefined && stored.boot_id === report.boot_id && report.sequence <= stored.report_sequence
  );
}

/** `$1` binary, `$2` host, `$3` topic. */
export const serviceSql = `
  insert into services (binary_name, host, topic, last_seen_at, report_count)
  values ($1, $2, $3, now(), 1)
  on conflict (host, binary_name)
    do update set last_seen_at = now(), report_count = services.report_count + 1
  returning id`;

const hostSql = `
  insert into hosts (name, service_id, hypervisor_hostname, hypervisor_type, hypervisor_version, address,
    agent_version, boot_id, report_sequence, report_digest, vcpus, memory_mb, local_gb, disk_available_bytes,
    supported_instances, cpu_info, uptime, metrics, numa_cells, pci_devices)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
  on conflict (name) do update set
    service_id = excluded.service_id, hypervisor_hostname = excluded.hypervisor_hostname,
    hypervisor_type = excluded.hypervisor_type, hypervisor_version = excluded.hypervisor_version,
    address = excluded.address, agent_version = excluded.agent_version, boot_id = excluded.boot_id,
    report_sequence = excluded.report_sequence, report_digest = excluded.report_digest, vcpus = excluded.vcpus,
    memory_mb = excluded.memory_mb, local_gb = excluded.local_gb,
    disk_available_bytes = excluded.disk_available_bytes, supported_instances = excluded.supported_instances,
    cpu_info = excluded.cpu_info, uptime = excluded.uptime, metrics = excluded.metrics,
    numa_cells = excluded.numa_cells, pci_devices = excluded.pci_devices,
    generation = hosts.generation + 1, updated_at = now()`;

/** A class that the host no longer has goes when nothing uses it; the initial ratio counts on the first insert only. */
const inventorySql = `
  with host as (select id from hosts where name = $1),
  reported as (
    select * from jsonb_to_recordset($2::jsonb) as r(resource_class text, total bigint, reserved bigint,
      max_unit bigint, explicit_ratio double precision, initial_ratio double precision)
  ), gone as (
    delete from host_inventories n using host
    where n.host_id = host.id and n.used = 0
      and not exists (select from reported r where r.resource_class = n.resource_class)
  )
  insert into host_inventories as n (host_id, resource_class, total, reserved, allocation_ratio, max_unit)
  select host.id, r.resource_class, r.total, r.reserved, coalesce(r.explicit_ratio, r.initial_ratio), r.max_unit
  from reported r, host
  on conflict (host_id, resource_class) do update set
    total = excluded.total, reserved = excluded.reserved, max_unit = excluded.max_unit,
    allocation_ratio = coalesce(
      (select explicit_ratio from reported r where r.resource_class = n.resource_class), n.allocation_ratio)`;

function hostValues(report: HostReport, digest: string, service_id: number | undefined): unknown[] {
  return [
    report.host,
    service_id,
    report.hypervisor_hostname,
    report.hypervisor_type,
    report.hypervisor_version,
    report.address,
    report.agent_version,
    report.boot_id,
    report.sequence,
    digest,
    report.inventory.vcpus,
    report.inventory.memory_mb,
    report.inventory.local_gb,
    report.inventory.disk_available_bytes,
    JSON.stringify(report.supported_instances),
    JSON.stringify(report.cpu_info),
    report.uptime,
    JSON.stringify(report.metrics ?? []),
    JSON.stringify(report.numa_cells ?? []),
    JSON.stringify(report.pci_devices ?? []),
  ];
}
