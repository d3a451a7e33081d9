import type { TransferProgress } from '../../../../shared/messaging/messages.ts';

/** Of a target that reads its disks again, as a copy's progress is told. @param seconds since it began */
export function readingProgress(
  report: { readonly processed_bytes: number; readonly total_bytes: number },
  seconds: number,
): TransferProgress {
  const rate = report.processed_bytes / Math.max(seconds, 0.001);
  const remaining_bytes = Math.max(report.total_bytes - report.processed_bytes, 0);
  return {
    round: 1,
    disk_total_bytes: report.total_bytes,
    disk_processed_bytes: report.processed_bytes,
    disk_remaining_bytes: remaining_bytes,
    sent_bytes: 0,
    skipped_bytes: 0,
    rate_bytes_per_second: Math.round(rate),
    eta_seconds: rate > 0 ? Math.ceil(remaining_bytes / rate) : null,
  };
}
