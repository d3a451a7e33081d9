import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageId } from '../../../shared/domain/ids.ts';
import type { TransferProgress } from '../../../shared/messaging/messages.ts';
import type { CommandName } from '../../../shared/messaging/commands.ts';
import { extractionName } from '../images/extracted-disk.ts';
import type { AcceptedCommand, HostParts } from './definition.ts';

/** What the commands of an extraction share. */

/** The folder of one extraction; a sweep removes it if nobody else does (images/extraction-sweeper.ts). */
export const extractionFolder = (
  command: AcceptedCommand<CommandName>,
  image: ImageId,
  { folders }: HostParts,
): string => join(folders.path, `.${command.instance_id}.extracting.${extractionName(image)}`);

export async function removeExtraction(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Progress of a work that is known by its part alone. */
export function progressOf(total_bytes: number): (done_bytes: number) => TransferProgress {
  const started_at = performance.now();
  return (done_bytes) => {
    const rate = done_bytes / Math.max((performance.now() - started_at) / 1000, 0.001);
    const remaining_bytes = Math.max(total_bytes - done_bytes, 0);
    return {
      round: 1,
      disk_total_bytes: total_bytes,
      disk_processed_bytes: done_bytes,
      disk_remaining_bytes: remaining_bytes,
      sent_bytes: 0,
      skipped_bytes: 0,
      rate_bytes_per_second: Math.round(rate),
      eta_seconds: rate > 0 ? Math.ceil(remaining_bytes / rate) : null,
    };
  };
}
