import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { extentBytesOf } from '../disks/extents.ts';
import type { Begin } from '../protocol.ts';
import { Journal, readJournal, type JournalContent, type JournalRecord } from './journal.ts';

export interface JournalTrust {
  readonly folder: string;
  readonly journal_path: string;
  readonly migration_id: string;
  readonly disks: Begin['disks'];
}

/**
 * The journal, for the files as they are now. It says nothing any more of a file that is lost, nor of the extent in which
 * a file is cut off or made longer: these are made and cut next, and a receiver that is killed in between leaves files
 * that look as if the journal were about them.
 * @returns null when there is none
 * @throws the file system's errors
 */
export async function readTrustedJournal(
  { folder, journal_path, migration_id, disks }: JournalTrust,
  onWork: () => void,
): Promise<JournalContent | null> {
  const known = await readJournal(journal_path, migration_id);
  if (known === null) return null;
  const doubts: Doubt[] = [];
  for (const { name } of known.subject.disks) {
    const wanted = disks.find((disk) => disk.name === name);
    doubts.push(wanted === undefined ? 'none' : await doubtOf(join(folder, name), wanted.size_bytes));
  }
  if (doubts.every((doubt) => doubt === 'none')) return known;
  const journal = await Journal.create(journal_path, known.subject, trusted(known, doubts), onWork);
  await journal.close();
  return await readJournal(journal_path, migration_id);
}

/** What a journal says of a disk and must not be believed: an extent's index, or all. */
type Doubt = 'none' | 'all' | number;

async function doubtOf(path: string, size_bytes: number): Promise<Doubt> {
  let found_bytes: number;
  try {
    found_bytes = (await lstat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'all';
    throw error;
  }
  const shorter_bytes = Math.min(found_bytes, size_bytes);
  const extent_bytes = extentBytesOf(size_bytes);
  const is_cut = found_bytes !== size_bytes && shorter_bytes % extent_bytes > 0;
  return is_cut ? Math.floor(shorter_bytes / extent_bytes) : 'none';
}

function* trusted(
  { records, proofs_count }: JournalContent,
  doubts: readonly Doubt[],
): Generator<JournalRecord> {
  for (const record of records) {
    const doubt = doubts[record.disk] ?? 'all';
    if (doubt === 'all' || doubt === record.index) continue;
    // The new journal is of this boot of the host.
    if (record.proved === true && !proofs_count) continue;
    yield record;
  }
}
