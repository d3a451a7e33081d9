import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { LEAF_BYTES } from '../disks/extents.ts';
import type { ExtentAddress } from '../protocol.ts';

/** One line about one extent, of fixed length. */
export interface JournalRecord extends ExtentAddress {
  readonly leaf: Buffer;
  readonly proved?: true;
}

const ADDRESS_BYTES = 6;
export const RECORD_BYTES = ADDRESS_BYTES + LEAF_BYTES + 4;
/** In a record's disk: no migration has so many. */
const PROVED_FLAG = 0x8000;
/** So much is in memory at once of a journal that is read or written: a full one of 1 TiB has 84 MiB. */
const RECORDS_AT_ONCE = 4096;

const CHECKED_BYTES = ADDRESS_BYTES + LEAF_BYTES;
const RECORDS_AT_FIRST = 16;

/**
 * The records' bytes, in batches: what the records are when a batch is asked for. It counts until the next one is
 * asked for: the memory is used again.
 */
export function* encodedBatches(records: Iterable<JournalRecord>): Generator<Buffer> {
  let memory = Buffer.allocUnsafe(RECORDS_AT_FIRST * RECORD_BYTES);
  // A view of each record would be most of the work.
  const checked = Buffer.allocUnsafe(CHECKED_BYTES);
  let end = 0;
  for (const { disk, index, leaf, proved } of records) {
    if (end === memory.length) memory = Buffer.concat([memory], 2 * end);
    checked.writeUInt16BE(proved === true ? disk | PROVED_FLAG : disk, 0);
    checked.writeUInt32BE(index, 2);
    leaf.copy(checked, ADDRESS_BYTES);
    checked.copy(memory, end);
    memory.writeUInt32BE(crc32(checked), end + CHECKED_BYTES);
    end += RECORD_BYTES;
    if (end < RECORDS_AT_ONCE * RECORD_BYTES) continue;
    yield memory.subarray(0, end);
    end = 0;
  }
  if (end > 0) yield memory.subarray(0, end);
}

/**
 * The records of a file, up to the first that is torn or damaged. A record's leaf counts until the next record is
 * asked for: whoever keeps it copies it.
 * @param from where the first one begins
 * @throws the file system's errors
 */
export function* recordsOf(path: string, from: number): Generator<JournalRecord> {
  const memory = Buffer.allocUnsafe(RECORDS_AT_ONCE * RECORD_BYTES);
  const checked = Buffer.allocUnsafe(CHECKED_BYTES);
  const leaf = checked.subarray(ADDRESS_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let position = from; ;) {
      const read_bytes = readWhole(file, memory, position);
      for (let at = 0; at + RECORD_BYTES <= read_bytes; at += RECORD_BYTES) {
        memory.copy(checked, 0, at, at + CHECKED_BYTES);
        if (crc32(checked) !== memory.readUInt32BE(at + CHECKED_BYTES)) return;
        const word = checked.readUInt16BE(0);
        const address = { disk: word & ~PROVED_FLAG, index: checked.readUInt32BE(2), leaf };
        yield (word & PROVED_FLAG) === 0 ? address : { ...address, proved: true };
      }
      if (read_bytes < memory.length) return;
      position += read_bytes;
    }
  } finally {
    closeSync(file);
  }
}

/** Some 15 ms of work. */
const RECORDS_PER_TURN = 16 * 1024;

/**
 * Goes through all records, and lets others have their turns: a long journal takes seconds.
 * @param onWork hears of it before each turn
 */
export async function goThrough(
  records: Iterable<JournalRecord>,
  onWork: () => void,
  take: (record: JournalRecord) => void,
): Promise<void> {
  let left = RECORDS_PER_TURN;
  for (const record of records) {
    take(record);
    left -= 1;
    if (left > 0) continue;
    left = RECORDS_PER_TURN;
    onWork();
    await turn();
  }
}

/** @returns less than fits only at the file's end */
function readWhole(file: number, memory: Buffer, position: number): number {
  let read_bytes = 0;
  while (read_bytes < memory.length) {
    const bytes = readSync(file, memory, read_bytes, memory.length - read_bytes, position + read_bytes);
    if (bytes === 0) break;
    read_bytes += bytes;
  }
  return read_bytes;
}
