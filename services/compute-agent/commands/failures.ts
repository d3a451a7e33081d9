import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { ErrorCode } from '../../../shared/errors/registry.ts';

/** Failures that the same host will answer with again, however often it is asked. */
const final: ReadonlySet<
  ErrorCode | 'mover_host_key_mismatch' | 'mover_target_full' | 'mover_digest_mismatch' | 'mover_cancelled'
> = new Set([
  'command_invalid',
  'command_superseded',
  'guest_not_defined',
  'guest_state_unexpected',
  'guest_did_not_start',
  'guest_name_clash',
  'guest_not_admitted',
  'folder_missing',
  'folder_occupied',
  'folder_of_another_migration',
  'folder_mark_unreadable',
  'host_disk_full',
  'image_refused',
  'image_upload_refused',
  'image_extract_lost',
  'image_digest_mismatch',
  'backing_image_mismatch',
  'backing_image_changed',
  'disk_format_unknown',
  'disk_storage_unsupported',
  'disk_tool_missing',
  'volume_not_ours',
  'stale_epoch',
  'stale_fencing',
  'mover_host_key_mismatch',
  'mover_target_full',
  'mover_spill_failed',
  'mover_digest_mismatch',
  'mover_cancelled',
]);

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retriable: boolean;
}

/** An error as the scheduler is told of it. What is no DroverError is our bug or the machine's trouble: `internal`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DroverError)
    return { code: error.code, message: error.message, retriable: !final.has(error.code) };
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message, retriable: (error as { code?: unknown }).code !== 'ENOSPC' };
}
