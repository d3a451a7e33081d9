import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceId, type HostName, type InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { STAT_BLOCK_BYTES } from '../images/describe-disk.ts';
import type { HostVolumes } from '../volumes/host-volumes.ts';
import type { InstanceFolders } from './instance-folders.ts';
import { MARK_NAME, type InstanceMark } from './mark.ts';

/** Space for what lasts no longer than a command: an image that is fetched, a disk that is extracted. */
export interface Hold {
  readonly instance_id: InstanceId;
  /** For the error, as in "no room for {purpose} of instance …". */
  readonly purpose: string;
  readonly bytes: number;
  /** What is done once for all who ask at the same time is held once: the digest of an image that is fetched. */
  readonly shared_as?: string;
}

/**
 * Disk space that is promised: what the file system has, less what staging folders and held works may still take.
 * Promises to copies are the marks of their folders, so they survive a restart and end with their folder. What is
 * promised and what is used together never exceed the file system: receivers write no more than was promised.
 */
export class SpaceLedger {
  readonly #folders: InstanceFolders;
  readonly #host: HostName;
  readonly #reserved_host_bytes: number;
  readonly #freeBytes: () => Promise<number>;
  readonly #volumes: Pick<HostVolumes, 'promising'> | null;
  readonly #holds = new Set<Hold>();
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param options.freeBytes default: what statfs gives for the instances' folder
   * @param options.volumes who promises the room for volumes that marks name; absent: nobody
   */
  constructor(options: {
    readonly folders: InstanceFolders;
    readonly host: HostName;
    readonly reserved_host_bytes: number;
    readonly freeBytes?: () => Promise<number>;
    readonly volumes?: Pick<HostVolumes, 'promising'>;
  }) {
    this.#folders = options.folders;
    this.#host = options.host;
    this.#reserved_host_bytes = options.reserved_host_bytes;
    this.#freeBytes = options.freeBytes ?? (() => freeBytesOf(options.folders.path));
    this.#volumes = options.volumes ?? null;
  }

  /**
   * Makes the staging folder if its bytes fit. One at a time: two must not be promised the same space. A folder that is
   * there may have been promised less: then what it is promised on top must fit.
   * @throws DroverError host_disk_full, folder_of_another_migration
   */
  reserve(mark: InstanceMark): Promise<'made' | 'was there'> {
    return this.#inTurn(async () => {
      const instance_id = instanceId(mark.instance_id);
      const present = await this.#folders.read(instance_id, 'staging');
      const more_bytes = mark.reserved_bytes - (present?.reserved_bytes ?? 0);
      const is_ours = present === null || present.migration_id === mark.migration_id;
      if (is_ours && more_bytes > 0) {
        await this.#check({ instance_id, purpose: 'the disks', bytes: more_bytes });
      }
      const make = () => this.#folders.make(mark);
      return this.#volumes === null ? make() : this.#volumes.promising(mark, make);
    });
  }

  /**
   * Does a work whose bytes are held meanwhile. What it writes counts twice until it ends: the safe direction.
   * @throws DroverError host_disk_full before the work begins; whatever the work throws
   */
  async holding<Result>(hold: Hold, work: () => Promise<Result>): Promise<Result> {
    if (hold.bytes === 0) return work();
    await this.#inTurn(async () => {
      const is_held = [...this.#holds].some((other) => isSame(other, hold));
      if (!is_held) await this.#check(hold);
      this.#holds.add(hold);
    });
    try {
      return await work();
    } finally {
      this.#holds.delete(hold);
    }
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #check({ instance_id, purpose, bytes }: Hold): Promise<void> {
    const promised_bytes = await this.promisedBytes();
    const free_bytes = await this.#freeBytes();
    const kept_bytes = this.#reserved_host_bytes;
    if (bytes <= free_bytes - promised_bytes - kept_bytes) return;
    throw new DroverError('host_disk_full', {
      host: this.#host,
      instance: instance_id,
      purpose,
      asked_bytes: bytes,
      free_bytes,
      promised_bytes,
      kept_bytes,
    });
  }

  /** Promised and not written yet: it is part of the free space still. */
  async promisedBytes(): Promise<number> {
    const owed = await Promise.all(this.#folders.known('staging').map((mark) => this.#owedBytes(mark)));
    const holds = [...this.#holds];
    const held = holds
      .filter((hold, place) => !holds.slice(0, place).some((earlier) => isSame(earlier, hold)))
      .map(({ bytes }) => bytes);
    return [...owed, ...held].reduce((sum, bytes) => sum + bytes, 0);
  }

  async #owedBytes(mark: InstanceMark): Promise<number> {
    const folder = this.#folders.folder(instanceId(mark.instance_id), 'staging');
    return Math.max(0, mark.reserved_bytes - (await allocatedBytes(folder)));
  }
}

const isSame = (one: Hold, other: Hold): boolean =>
  one.shared_as !== undefined && one.shared_as === other.shared_as;

async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Of what was promised: all files but the mark. One that has gone meanwhile takes nothing. */
async function allocatedBytes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => name !== MARK_NAME)
      .map((name) =>
        lstat(join(folder, name)).then(
          ({ blocks }) => blocks * STAT_BLOCK_BYTES,
          () => 0,
        ),
      ),
  );
  return found.reduce((sum, bytes) => sum + bytes, 0);
}
