import type { TransferProgress } from '../../../../shared/messaging/messages.ts';
import type { TransferCounters } from './session-terms.ts';
import type { TransferClock } from './transfer-clock.ts';

/** What a transfer's progress is made of. */
export interface TransferState {
  readonly round: number;
  /** Of all disks. */
  readonly total_bytes: number;
  readonly counters: TransferCounters;
  readonly clock: TransferClock;
  readonly paused: boolean;
  readonly connections: number;
}

/** What is told of a transfer at this moment; its rate is a mean over the last calls. */
export function transferProgress({
  round,
  total_bytes,
  counters,
  clock,
  paused,
  connections,
}: TransferState): TransferProgress {
  const { processed_bytes, sent_bytes, skipped_bytes } = counters;
  const rate = clock.rateAt(processed_bytes);
  const remaining_bytes = total_bytes - processed_bytes;
  return {
    round,
    disk_total_bytes: total_bytes,
    disk_processed_bytes: processed_bytes,
    disk_remaining_bytes: remaining_bytes,
    sent_bytes,
    skipped_bytes,
    rate_bytes_per_second: Math.round(rate),
    eta_seconds: rate > 0 ? Math.ceil(remaining_bytes / rate) : null,
    paused,
    connections,
  };
}
