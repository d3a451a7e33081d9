import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { KeptLeaves, LeafReader, type ContentLeaves } from './content-leaves.ts';
import { readFirstCluster, withBackingFile } from './qcow2-header.ts';
import { SharedWork, type Asker } from './shared-work.ts';

/** What a file was when it was read. Any change of its content changes one of these. */
interface Seen {
  readonly device: string;
  readonly inode: string;
  readonly size: string;
  readonly mtime_ns: string;
  readonly ctime_ns: string;
  /** The digest is that of the file with this name of its backing file in its header; null: as it is. */
  readonly backing_file: string | null;
  readonly sha512: string;
}

/**
 * A change in the same tick of the kernel's clock leaves the times as they were, so a file that was changed this
 * shortly before it was read is read again the next time. Ticks are 10 ms at most.
 */
const RACY_NANOSECONDS = 20_000_000n;
const BLOCK_BYTES = 1024 * 1024;
/** Beyond this the file is written anew with what was looked at since the agent's start. */
const SEEN_MAX = 10_000;

/**
 * Digests of files that hardly ever change, kept in a file: what was read once is read again only when device, inode,
 * size or one of the times differs. The file is a cache: one that is damaged or lost costs reading. Leaves of what was
 * read are kept beside it, so that a change can be named by its place.
 */
export class FileDigests {
  readonly #path: string;
  readonly #leaves: KeptLeaves;
  readonly #shared = new SharedWork<string>();
  #seen: Map<string, Seen> | null = null;

  /** @param path of the file that keeps them */
  constructor(path: string) {
    this.#path = path;
    this.#leaves = new KeptLeaves(`${path}.leaves`);
  }

  /**
   * sha512 of a file's bytes, in lower-case hexadecimal. Block devices are read each time: their times say nothing.
   * @param backing_file digest of what the file would be with this name of its backing file in its header
   * @throws the file system's errors; RangeError when the name does not fit; the signal's reason
   */
  async digest(path: string, backing_file: string | null, asker: Asker): Promise<string> {
    const known = (await this.#load()).get(keyOf(path, backing_file));
    if (known !== undefined) {
      const file = await open(path, 'r');
      try {
        const now = await statusOf(file);
        if (now.is_file && sameStatus(known, now.seen)) return known.sha512;
      } finally {
        await file.close();
      }
    }
    return this.#shared.join(keyOf(path, backing_file), asker, (all) => this.#read(path, backing_file, all));
  }

  /**
   * Notes what was read while it was written: nobody else had the file yet.
   * @param leaves of what was written, if they were made
   */
  async remember(path: string, sha512: string, leaves: ContentLeaves | null = null): Promise<void> {
    if (leaves !== null) await this.#leaves.keep(sha512, leaves);
    const file = await open(path, 'r');
    try {
      const { seen } = await statusOf(file);
      await this.#keep(path, { ...seen, backing_file: null, sha512 });
    } finally {
      await file.close();
    }
  }

  /** Where a file with the one digest differs from what it was with the other, for people. */
  describeDifference(expected: string, found: string): Promise<string> {
    return this.#leaves.describeDifference(expected, found);
  }

  /** The file is gone. */
  async forget(path: string): Promise<void> {
    const seen = await this.#load();
    for (const key of seen.keys()) if (key.startsWith(`${path}\n`)) seen.delete(key);
  }

  async #read(path: string, backing_file: string | null, asker: Asker): Promise<string> {
    const file = await open(path, 'r');
    try {
      const began_ns = BigInt(Date.now()) * 1_000_000n;
      const before = await statusOf(file);
      const { sha512, leaves } = await digestOf(file, backing_file, asker);
      await this.#leaves.keep(sha512, leaves);
      const after = await statusOf(file);
      const quiet = began_ns - BigInt(before.seen.ctime_ns) > RACY_NANOSECONDS;
      if (before.is_file && quiet && sameStatus(before.seen, after.seen))
        await this.#keep(path, { ...before.seen, backing_file, sha512 });
      return sha512;
    } finally {
      await file.close();
    }
  }

  async #load(): Promise<Map<string, Seen>> {
    if (this.#seen !== null) return this.#seen;
    const seen = new Map<string, Seen>();
    try {
      const entries = JSON.parse(await readFile(this.#path, 'utf8')) as unknown;
      if (Array.isArray(entries))
        for (const entry of entries as readonly unknown[]) if (isEntry(entry)) seen.set(...entry);
    } catch {
      // None yet, or damaged.
    }
    this.#seen ??= seen;
    return this.#seen;
  }

  async #keep(path: string, entry: Seen): Promise<void> {
    const seen = await this.#load();
    seen.delete(keyOf(path, entry.backing_file));
    seen.set(keyOf(path, entry.backing_file), entry);
    for (const oldest of seen.keys()) {
      if (seen.size <= SEEN_MAX) break;
      seen.delete(oldest);
    }
    const draft = `${this.#path}.${randomBytes(6).toString('hex')}.part`;
    try {
      await writeFile(draft, JSON.stringify([...seen]), { mode: 0o600 });
      await rename(draft, this.#path);
    } catch {
      // A full disk, say: what is not kept is read again after the next start.
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }
}

const keyOf = (path: string, backing_file: string | null): string => `${path}\n${backing_file ?? ''}`;

/** One that lacks anything would match no file, or break who reads it. */
const isEntry = (entry: unknown): entry is [string, Seen] =>
  Array.isArray(entry) &&
  typeof entry[0] === 'string' &&
  typeof entry[1] === 'object' &&
  entry[1] !== null &&
  typeof (entry[1] as Partial<Seen>).sha512 === 'string';

type Status = Omit<Seen, 'sha512' | 'backing_file'>;

async function statusOf(file: FileHandle): Promise<{ readonly is_file: boolean; readonly seen: Status }> {
  const found = await file.stat({ bigint: true });
  return {
    is_file: found.isFile(),
    seen: {
      device: String(found.dev),
      inode: String(found.ino),
      size: String(found.size),
      mtime_ns: String(found.mtimeNs),
      ctime_ns: String(found.ctimeNs),
    },
  };
}

const sameStatus = (one: Status, other: Status): boolean =>
  one.device === other.device &&
  one.inode === other.inode &&
  one.size === other.size &&
  one.mtime_ns === other.mtime_ns &&
  one.ctime_ns === other.ctime_ns;

async function digestOf(
  file: FileHandle,
  backing_file: string | null,
  asker: Asker,
): Promise<{ readonly sha512: string; readonly leaves: ContentLeaves }> {
  const digest = createHash('sha512');
  const leaves = new LeafReader();
  const update = (bytes: Buffer): void => {
    digest.update(bytes);
    leaves.update(bytes);
  };
  let position = 0;
  if (backing_file !== null) {
    const start = await readFirstCluster(file);
    update(withBackingFile(start, backing_file));
    position = start.length;
  }
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(block, 0, block.length, position);
    if (bytesRead === 0) return { sha512: digest.digest('hex'), leaves: leaves.end() };
    asker.signal.throwIfAborted();
    asker.atWork();
    update(block.subarray(0, bytesRead));
    position += bytesRead;
  }
}
