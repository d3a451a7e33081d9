import { join } from 'node:path';
import { digestFile } from '../disks/digest-file.ts';
import { DISK_DIGEST_ALGORITHM } from '../disks/leaf-table.ts';
import type { ReceiverReport, ReceiverRequest } from './worker-messages.ts';

const REPORTS_PER_SECOND = 4;

export interface DigestDisksWatch {
  readonly onProgress: (processed_bytes: number, total_bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Reads all disks of a folder again, one after the other: a disk is read fastest by one reader. */
export async function digestDisks(
  request: Extract<ReceiverRequest, { do: 'digest' }>,
  watch: DigestDisksWatch,
): Promise<ReceiverReport> {
  const total_bytes = request.disks.reduce((sum, { file_size_bytes }) => sum + file_size_bytes, 0);
  let processed_bytes = 0;
  let reported_at = performance.now();
  const onBytes = (bytes: number): void => {
    processed_bytes += bytes;
    if (performance.now() - reported_at < 1000 / REPORTS_PER_SECOND) return;
    reported_at = performance.now();
    watch.onProgress(processed_bytes, total_bytes);
  };
  const digests = [];
  for (const { name } of request.disks) {
    try {
      const leaves = await digestFile(join(request.folder, name), { onBytes, signal: watch.signal });
      const { size_bytes } = leaves.layout;
      digests.push({ name, algorithm: DISK_DIGEST_ALGORITHM, digest: leaves.root(), size_bytes });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { is: 'failed', code: 'mover_read_failed', values: { disk: name, reason } };
    }
  }
  return { is: 'digested', digests };
}
