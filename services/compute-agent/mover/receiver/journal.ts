import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { renameDurably } from '../../folders/durable.ts';
import type { ExtentAddress } from '../protocol.ts';
import { LEAF_BYTES } from '../disks/extents.ts';

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

export interface JournalRecord extends ExtentAddress {
  readonly leaf: Buffer;
  readonly proved?: true;
}

export interface JournalContent {
  readonly subject: JournalSubject;
  /** May be gone through as often as needed. */
  readonly records: Iterable<JournalRecord>;
  /** Whether proofs in it count. */
  readonly proofs_count: boolean;
}

const JOURNAL_VERSION = 1;
const ADDRESS_BYTES = 6;
const RECORD_BYTES = ADDRESS_BYTES + LEAF_BYTES + 4;
/** In a record's disk: no migration has so many. */
const PROVED_FLAG = 0x8000;

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
    const bytes = Buffer.concat([...records].map(encodeRecord));
    if (bytes.length === 0) return;
    this.#last = this.#last.then(() => writeWhole(this.#handle, bytes));
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
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const line_end = bytes.indexOf(0x0a);
  if (line_end < 0) return null;
  const head = readHead(bytes.subarray(0, line_end).toString('utf8'));
  if (head === null || head.subject.migration_id !== migration_id) return null;
  const body = bytes.subarray(line_end + 1);
  return {
    subject: head.subject,
    records: { [Symbol.iterator]: () => recordsIn(body) },
    proofs_count: head.boot_id === (await bootId()),
    get end_bytes() {
      let end = line_end + 1;
      for (const _ of recordsIn(body)) end += RECORD_BYTES;
      return end;
    },
  };
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
}

function encodeRecord({ disk, index, leaf, proved }: JournalRecord): Buffer {
  const record = Buffer.allocUnsafe(RECORD_BYTES);
  record.writeUInt16BE(proved === true ? disk | PROVED_FLAG : disk, 0);
  record.writeUInt32BE(index, 2);
  leaf.copy(record, ADDRESS_BYTES);
  record.writeUInt32BE(crc32(record.subarray(0, RECORD_BYTES - 4)), RECORD_BYTES - 4);
  return record;
}

function* recordsIn(bytes: Buffer): Generator<JournalRecord> {
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const record = bytes.subarray(at, at + RECORD_BYTES);
    if (crc32(record.subarray(0, RECORD_BYTES - 4)) !== record.readUInt32BE(RECORD_BYTES - 4)) return;
    const word = record.readUInt16BE(0);
    yield {
      disk: word & ~PROVED_FLAG,
      index: record.readUInt32BE(2),
      leaf: record.subarray(ADDRESS_BYTES, ADDRESS_BYTES + LEAF_BYTES),
      ...((word & PROVED_FLAG) === 0 ? {} : { proved: true as const }),
    };
  }
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
