import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { renameDurably } from '../../folders/durable.ts';
import { ExtentLayout } from '../disks/extents.ts';
import { latestRecords } from './latest-records.ts';
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

/** 2: leaves are BLAKE3. What another version has noted is nothing that the disks could be compared with. */
const JOURNAL_VERSION = 2;
/** Of the first line: 64 disks with the longest names do not take a tenth of it. */
const HEAD_BYTES_MAX = 256 * 1024;

/**
 * So many records a journal may have: whoever writes the same extents again and again, guest or hostile sender, would
 * fill the agent's own file system. Of an extent two count, its leaf and its proof; a copy that is written over once
 * more has five.
 */
const RECORDS_PER_EXTENT_MAX = 6;
/** Shorter ones are not worth it. */
const RECORDS_MIN = 64 * 1024;

/** What a journal is written anew with. */
interface JournalPlace {
  readonly path: string;
  readonly subject: JournalSubject;
}

export class Journal {
  readonly #place: JournalPlace;
  #handle: FileHandle;
  /** In the file. */
  #records = 0;
  #records_max: number;
  readonly #onWork: () => void;
  /**
   * Writes that are asked for at the same time could overtake each other, and the last record about an extent counts.
   * After one that failed nothing more is written: it would stand behind half a record, or behind a record that it was
   * to come before. Whoever wants to go on starts a journal anew.
   */
  #last: Promise<void> = Promise.resolve();

  private constructor(place: JournalPlace, handle: FileHandle, records: number, onWork: () => void) {
    this.#place = place;
    this.#onWork = onWork;
    this.#handle = handle;
    this.#records = records;
    this.#records_max = recordsMax(place.subject, records);
  }

  /**
   * Starts a journal anew with these records; the old one counts until the new one is whole, and durable.
   * @param onWork hears, now and whenever it is written anew, that this goes on
   */
  static async create(
    path: string,
    subject: JournalSubject,
    records: Iterable<JournalRecord>,
    onWork: () => void = () => undefined,
  ): Promise<Journal> {
    const { handle, count } = await writeAnew({ path, subject }, [records], onWork);
    return new Journal({ path, subject }, handle, count, onWork);
  }

  /** Goes on with a journal that nobody writes to now. @returns null when there is none of this migration */
  static async reopen(path: string, migration_id: string): Promise<Journal | null> {
    const known = await readJournal(path, migration_id);
    if (known === null) return null;
    let count = 0;
    for (const _ of known.records) count += 1;
    const handle = await open(path, 'r+');
    try {
      await handle.truncate(known.head_bytes + count * RECORD_BYTES);
    } finally {
      await handle.close();
    }
    return new Journal({ path, subject: known.subject }, await open(path, 'a'), count, () => undefined);
  }

  /** In the order of the calls. Durable after the next `flush`. @throws the file system's errors, of an earlier call too */
  async append(records: Iterable<JournalRecord>): Promise<void> {
    const batches = encodedBatches(records);
    // As the records are now: they may be taken out of what they come from while others are being written.
    const first = batches.next();
    if (first.done === true) return;
    this.#last = this.#last.then(async () => {
      this.#records += await writeBatch(this.#handle, first.value);
      for (const batch of batches) this.#records += await writeBatch(this.#handle, batch);
      if (this.#records > this.#records_max) await this.#renew();
    });
    await this.#last;
  }

  /**
   * Leaves out what does not count any more. Made from the file alone: what the disks hold now may not be durable. The
   * old one counts until the new one is whole, and durable.
   */
  async #renew(): Promise<void> {
    const { path, subject } = this.#place;
    const known = await readJournal(path, subject.migration_id);
    if (known === null) throw new Error(`the journal ${path} is not there any more`);
    const onWork = this.#onWork;
    const { proofs_count, records } = known;
    const latest = latestRecords(records, { proofs_count, onWork });
    const { handle, count } = await writeAnew(this.#place, latest, onWork);
    const old = this.#handle;
    this.#handle = handle;
    this.#records = count;
    this.#records_max = recordsMax(subject, count);
    await old.close();
  }

  /** Makes durable what was appended. @throws the file system's errors */
  async flush(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    // While it is written anew its file changes.
    await this.#last.catch(() => undefined);
    await this.#handle.close();
  }
}

/** @param records that it begins with: disks may have grown since its first line was written */
function recordsMax({ disks }: JournalSubject, records: number): number {
  const extents = disks.reduce((sum, { size_bytes }) => sum + new ExtentLayout(size_bytes).count, 0);
  return Math.max(RECORDS_MIN, extents * RECORDS_PER_EXTENT_MAX, records * 2);
}

const freshOf = (path: string): string => `${path}.new`;

/** With what is left of a new one whose receiver was killed. */
export async function removeJournal(path: string): Promise<void> {
  await Promise.all([path, freshOf(path)].map((file) => rm(file, { force: true })));
}

async function writeAnew(
  { path, subject }: JournalPlace,
  parts: Iterable<Iterable<JournalRecord>> | AsyncIterable<Iterable<JournalRecord>>,
  onWork: () => void,
): Promise<{ readonly handle: FileHandle; readonly count: number }> {
  const fresh = freshOf(path);
  const handle = await open(fresh, 'w', 0o600);
  try {
    const boot_id = await bootId();
    const head = `${JSON.stringify({ version: JOURNAL_VERSION, boot_id, ...subject })}\n`;
    await writeWhole(handle, Buffer.from(head));
    let count = 0;
    for await (const records of parts) {
      for (const batch of encodedBatches(records)) {
        count += await writeBatch(handle, batch);
        onWork();
      }
    }
    await handle.datasync();
    await renameDurably(fresh, path);
    return { handle, count };
  } catch (error) {
    await handle.close();
    await rm(fresh, { force: true });
    throw error;
  }
}

/** @returns how many records it has */
async function writeBatch(handle: FileHandle, batch: Buffer): Promise<number> {
  await writeWhole(handle, batch);
  return batch.length / RECORD_BYTES;
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
): Promise<(JournalContent & { readonly head_bytes: number }) | null> {
  const line = await firstLine(path);
  const head = line === null ? null : readHead(line);
  if (line === null || head === null || head.subject.migration_id !== migration_id) return null;
  const head_bytes = Buffer.byteLength(line) + 1;
  return {
    subject: head.subject,
    records: { [Symbol.iterator]: () => recordsOf(path, head_bytes) },
    proofs_count: head.boot_id === (await bootId()),
    head_bytes,
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
