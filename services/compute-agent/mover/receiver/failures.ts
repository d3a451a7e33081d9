import { SpillFailure } from '../disks/spill-file.ts';
import { ProtocolError } from '../protocol.ts';

/** Something failed on a disk: which, and the system's error. */
export class DiskFailure extends Error {
  override readonly name = 'DiskFailure';
  readonly disk: string;

  constructor(disk: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.disk = disk;
  }
}

/** What has come is not what the sender says it has sent: something changed on the way. */
export class DigestMismatch extends Error {
  override readonly name = 'DigestMismatch';
  readonly disk: string;

  constructor(disk: string) {
    super('its extents have another digest than was announced');
    this.disk = disk;
  }
}

/** Does a disk's work. @throws DiskFailure with the disk's name, or what is about no disk: what the sender did wrong, SpillFailure */
export async function onDisk<Result>(disk: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof SpillFailure) throw error;
    throw new DiskFailure(disk, error);
  }
}
