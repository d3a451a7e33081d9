import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { renameDurably } from '../../folders/durable.ts';
import { encodedBatches, RECORD_BYTES, recordsOf, type JournalRecord } from './journal-records.ts';

export type { JournalRecord } from './journal-records.ts';

/**
 * What a receiver holds durably: a line of JSON that names the migration and its disks, then records of fixed
 * length, the last one about an extent counting. A record is written after its extent's bytes were flushed to
 * the disk, never before. A torn or damaged tail is cut off: it costs sending those extents again, nothing else.
 *
 * A record may say that its extent is *proved*: it was read again from the disk, after it was durable, and has this
 * leaf. It counts until the next record about that extent, which is written before the extent is written over. The
 * order of those two writes is the page cache's, so a proof counts in the boot of the host in which it was made: after
 * a power cut everything is read again.
 */
export interface JournalSubject {
  readonly migration_id: string;
  readonly disks: readonly { readonly name: string; readonly size_bytes: number }[];
}

export interface JournalContent {
  readonly subject: JournalSubject;
  /** May be gone through as often as needed: each time the file is read. A leaf counts until the next record. */
  readonly records: Iterable<JournalRecord>;
  /** Whether proofs in it count. */
  readonly proofs_count: boolean;
}

const JOURNAL_VERSION = 1;
/** Of the first line: 64 disks with the longest names do not take a tenth of it. */
const HEAD_BYTES_MAX = 256 * 1024;

export class Journal {
  readonly #handle: FileHandle;
  /**
   * Writes that are asked for at the same time could overtake each other, and the last record about an extent counts.
   * After one that failed nothing more is written: it would stand behind half a record, or behind a record that it was
   * to come before. Whoever wants to go on starts a journal anew.
   */
  #last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Starts a journal anew with these records; the old one counts until the new one is whole, and durable. */
  static async create(
    path: string,
    subject: JournalSubject,
    records: Iterable<JournalRecord>,
  ): Promise<Journal> {
    const fresh = `${path}.new`;
    const handle = await open(fresh, 'w', 0o600);
    try {
      const boot_id = await bootId();
      const head = `${JSON.stringify({ version: JOURNAL_VERSION, boot_id, ...subject })}\n`;
      await writeWhole(handle, Buffer.from(head));
      const journal = new Journal(handle);
      await journal.append(records);
      await journal.flush();
      await renameDurably(fresh, path);
      return journal;
    } catch (error) {
      await handle.close();
      await rm(fresh, { force: true });
      throw error;
    }
  }

  /** Goes on with a journal that nobody writes to now. @returns null when there is none of this migration */
  static async reopen(path: string, migration_id: string): Promise<Journal | null> {
    const known = await readJournal(path, migration_id);
    if (known === null) return null;
    const handle = await open(path, 'r+');
    try {
      await handle.truncate(known.end_bytes);
    } finally {
      await handle.close();
    }
    return new Journal(await open(path, 'a'));
  }

  /** In the order of the calls. Durable after the next `flush`. @throws the file system's errors, of an earlier call too */
  async append(records: Iterable<JournalRecord>): Promise<void> {
    const batches = encodedBatches(records);
    // As the records are now: they may be taken out of what they come from while others are being written.
    const first = batches.next();
    if (first.done === true) return;
    this.#last = this.#last.then(async () => {
      await writeWhole(this.#handle, first.value);
      for (const batch of batches) await writeWhole(this.#handle, batch);
    });
    await this.#last;
  }

  /** Makes durable what was appended. @throws the file system's errors */
  async flush(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** A file system that fills up may take a part, and say why only when it is asked to take the rest. */
async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await handle.write(bytes, written)).bytesWritten;
  }
}

/** @returns null when there is no journal, or none of this migration that we can read */
export async function readJournal(
  path: string,
  migration_id: string,
): Promise<(JournalContent & { readonly end_bytes: number }) | null> {
  const line = await firstLine(path);
  const head = line === null ? null : readHead(line);
  if (line === null || head === null || head.subject.migration_id !== migration_id) return null;
  const head_bytes = Buffer.byteLength(line) + 1;
  return {
    subject: head.subject,
    records: { [Symbol.iterator]: () => recordsOf(path, head_bytes) },
    proofs_count: head.boot_id === (await bootId()),
    get end_bytes() {
      let end = head_bytes;
      for (const _ of recordsOf(path, head_bytes)) end += RECORD_BYTES;
      return end;
    },
  };
}

/** @returns null when there is none */
async function firstLine(path: string): Promise<string | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES_MAX), 0, HEAD_BYTES_MAX, 0);
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
    return end < 0 ? null : buffer.toString('utf8', 0, end);
  } finally {
    await handle.close();
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
}

function readHead(line: string): { readonly subject: JournalSubject; readonly boot_id: unknown } | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const subject = value as Partial<JournalSubject> & { version?: unknown; boot_id?: unknown };
  if (subject?.version !== JOURNAL_VERSION || typeof subject.migration_id !== 'string') return null;
  if (!Array.isArray(subject.disks)) return null;
  return {
    subject: { migration_id: subject.migration_id, disks: subject.disks },
    boot_id: subject.boot_id,
  };
}
