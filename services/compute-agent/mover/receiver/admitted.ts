import type { DiskDescription } from '../../../../shared/messaging/commands.ts';
import { fileBytesMax } from '../../folders/space-need.ts';
import { DISK_BYTES_MAX } from '../disks/extents.ts';
import { ProtocolError, type Begin } from '../protocol.ts';

/** What the agent of this host has admitted. Nothing that a sender says can widen it. */
export interface Admitted {
  readonly migration_id: string;
  readonly folder: string;
  readonly disks: readonly DiskDescription[];
  readonly journal_path: string;
  /** Blocks that the disks may take together; nothing: as many as their declared sizes. */
  readonly reserved_bytes?: number;
}

/** @throws ProtocolError for other disks than those admitted, and for longer ones */
export function checkBegin({ disks: asked }: Begin, { disks }: Admitted): void {
  if (asked.length !== disks.length)
    throw new ProtocolError(`${asked.length} disks, ${disks.length} admitted`);
  for (const [place, { name, size_bytes }] of asked.entries()) {
    const admitted = disks[place];
    if (admitted === undefined || admitted.name !== name)
      throw new ProtocolError(`disk "${name}" is not admitted`);
    const bytes_max = Math.min(fileBytesMax(admitted), DISK_BYTES_MAX);
    if (size_bytes > bytes_max) {
      throw new ProtocolError(`disk "${name}" has ${size_bytes} bytes, ${bytes_max} are admitted`);
    }
  }
}
