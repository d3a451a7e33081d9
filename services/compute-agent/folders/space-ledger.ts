import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceId, type HostName, type InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { STAT_BLOCK_BYTES } from '../images/describe-disk.ts';
import type { InstanceFolders } from './instance-folders.ts';
import type { InstanceMark } from './mark.ts';

/**
 * Disk space that is promised to copies on their way here: what the file system has, less what the other staging
 * folders may still take. The promises are their marks, so they survive a restart and end with their folder.
 */
export class SpaceLedger {
  readonly #folders: InstanceFolders;
  readonly #host: HostName;
  readonly #reserved_host_bytes: number;
  readonly #freeBytes: () => Promise<number>;
  #last: Promise<unknown> = Promise.resolve();

  /** @param options.freeBytes default: what statfs gives for the instances' folder */
  constructor(options: {
    readonly folders: InstanceFolders;
    readonly host: HostName;
    readonly reserved_host_bytes: number;
    readonly freeBytes?: () => Promise<number>;
  }) {
    this.#folders = options.folders;
    this.#host = options.host;
    this.#reserved_host_bytes = options.reserved_host_bytes;
    this.#freeBytes = options.freeBytes ?? (() => freeBytesOf(options.folders.path));
  }

  /**
   * Makes the staging folder if its bytes fit. One at a time: two must not be promised the same space.
   * @throws DroverError host_disk_full, folder_of_another_migration
   */
  reserve(mark: InstanceMark): Promise<'made' | 'was there'> {
    const turn = this.#last.then(async () => {
      const id = instanceId(mark.instance_id);
      if ((await this.#folders.read(id, 'staging')) === null) await this.#check(id, mark.reserved_bytes);
      return this.#folders.make(mark);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #check(id: InstanceId, asked_bytes: number): Promise<void> {
    const others = this.#folders.known('staging').filter((mark) => mark.instance_id !== id);
    const owed = await Promise.all(others.map((mark) => this.#owedBytes(mark)));
    const promised_bytes = owed.reduce((sum, bytes) => sum + bytes, 0);
    const available_bytes = (await this.#freeBytes()) - promised_bytes - this.#reserved_host_bytes;
    if (asked_bytes > available_bytes)
      throw new DroverError('host_disk_full', {
        host: this.#host,
        instance: id,
        available_bytes: Math.max(0, available_bytes),
        asked_bytes,
      });
  }

  /** Promised, less what has been written already and so is missing from the free space. */
  async #owedBytes(mark: InstanceMark): Promise<number> {
    const folder = this.#folders.folder(instanceId(mark.instance_id), 'staging');
    const written = await Promise.all(mark.disks.map((disk) => allocatedBytes(join(folder, disk.name))));
    return Math.max(0, mark.reserved_bytes - written.reduce((sum, bytes) => sum + bytes, 0));
  }
}

async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

async function allocatedBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).blocks * STAT_BLOCK_BYTES;
  } catch {
    // The receiver has not made it yet.
    return 0;
  }
}
