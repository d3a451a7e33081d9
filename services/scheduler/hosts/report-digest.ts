import { createHash } from 'node:crypto';
import type { HostReport } from '../../../shared/messaging/host-report.ts';

const GIBIBYTE = 2 ** 30;

/**
 * Digest of what a report says about the host, without what differs in every report anyway (sequence, uptime). Free
 * disk space counts in whole GiB: a log file that grows by a line is no news. Equal digests: a mere heartbeat.
 */
export function reportDigest(report: HostReport): string {
  const { sequence: _sequence, uptime: _uptime, inventory, metrics, guests, ...rest } = report;
  const content = {
    ...rest,
    inventory: {
      ...inventory,
      disk_available_bytes: Math.floor(inventory.disk_available_bytes / GIBIBYTE),
    },
    metrics: metrics?.map(({ name, value }) => ({ name, value })),
    guests: guests.toSorted((left, right) => (left.instance_id < right.instance_id ? -1 : 1)),
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('base64');
}
