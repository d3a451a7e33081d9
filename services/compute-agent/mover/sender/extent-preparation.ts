import { ExtentSet } from '../disks/extent-set.ts';
import { segmentsOf, UNKNOWN_LEAF, type Segment } from '../disks/extents.ts';
import type { LeafTable } from '../disks/leaf-table.ts';
import { decodedBytes, encodings, type Extent, type ExtentAddress } from '../protocol.ts';
import type { PackingStep } from './packing-levels.ts';
import type { PendingRead } from './read-ahead.ts';
import type { SendWindow } from './send-window.ts';
import type { SendingOptions } from './session-terms.ts';
import type { SourceDisk } from './source-disk.ts';

/** An extent that is ready to leave. */
export interface PreparedExtent {
  readonly extent: Extent;
  readonly plain_bytes: number;
  readonly step: PackingStep;
  /** When its payload is not needed any more. */
  readonly release: () => void;
}

/**
 * Decides for each extent whether it must be read and sent, and makes those ready that must. All that is counted of
 * a disk is counted here, so that no extent counts twice in a round.
 */
export class ExtentPreparation {
  readonly #options: SendingOptions;
  readonly #window: SendWindow;
  /** By disk: extents that count as dealt with in this session. One that is sent again does not count again. */
  readonly #counted: readonly ExtentSet[];
  /** Bytes of the disk that count as dealt with, of extents that are leaving. */
  readonly #leaving = new WeakMap<Extent, number>();
  /** What the receiver holds, and what is on its way there. */
  held: readonly LeafTable[] = [];

  constructor(options: SendingOptions, window: SendWindow) {
    this.#options = options;
    this.#window = window;
    this.#counted = options.disks.map(({ layout }) => new ExtentSet(layout.count, false));
  }

  /** Deals with an extent that need not be read. @returns false when it must be */
  skips(disk: number, index: number, source: SourceDisk): boolean {
    if (!source.isNoted(index)) {
      if (source.mayHaveData(index)) return false;
      source.note(index, null);
    }
    if (this.held[disk]?.holds(index, source.leaves.get(index)) !== true) return false;
    this.#account(disk, index, source.sent.has(index) ? source.layout.length(index) : 0);
    return true;
  }

  /** Of a session that has failed: what is held will be asked for again. */
  close(): void {
    for (const table of this.held) table.close();
  }

  /** Nobody knows any more whether these have arrived. */
  doubt(extents: readonly ExtentAddress[]): void {
    try {
      for (const { disk, index } of extents) this.held[disk]?.set(index, UNKNOWN_LEAF);
    } catch (error) {
      // The session would take them for held.
      this.#window.fail(error);
    }
  }

  /**
   * @param stream over which it will leave
   * @returns null when the receiver has it already
   * @throws SourceReadFailure; what the window was told
   */
  async prepare(read: PendingRead, stream: number): Promise<PreparedExtent | null> {
    const { disk, index, source } = read;
    this.#window.check();
    const { counters, waited_for } = this.#options;
    const offset = source.layout.offset(index);
    const content = await waited_for.during(`disk ${source.name} to be read at ${offset}`, read.content);
    counters.read_bytes += content.length;
    source.note(index, content);
    const is_held = this.held[disk]?.holds(index, source.leaves.get(index)) === true;
    if (!is_held) return this.#pack(read, content, stream);
    this.#account(disk, index, 0);
    return null;
  }

  /** It is put on the wire now. What was only made ready when a connection broke was not sent. */
  noteLeaving({ disk, index, segments }: Extent): void {
    const { disks, counters } = this.#options;
    const sent = disks[disk]?.sent;
    if (sent?.has(index) === true) counters.resent_bytes += decodedBytes(segments);
    sent?.add(index);
  }

  /**
   * The link has taken so much of it: a part of 1. Not before: on a slow link the extents that wait to leave are what a
   * person waits for. An extent that does not leave in the end is told with the part 0.
   */
  noteLeft(extent: Extent, part: number): void {
    const { disk, index, segments } = extent;
    if (this.#counted[disk]?.has(index) !== false) return;
    const { counters, disks } = this.#options;
    const length = disks[disk]?.layout.length(index) ?? 0;
    const left_bytes = part < 1 ? Math.floor(length * part) : 0;
    counters.processed_bytes += left_bytes - (this.#leaving.get(extent) ?? 0);
    this.#leaving.set(extent, left_bytes);
    if (part < 1) return;
    counters.changed_bytes += length;
    this.#account(disk, index, decodedBytes(segments));
  }

  /** @param sent_bytes what of it was not skipped */
  #account(disk: number, index: number, sent_bytes: number): void {
    const { counters, disks, onActivity } = this.#options;
    const counted = this.#counted[disk];
    onActivity();
    if (counted?.has(index) !== false) return;
    counted.add(index);
    const length = disks[disk]?.layout.length(index) ?? 0;
    counters.processed_bytes += length;
    counters.skipped_bytes += length - sent_bytes;
  }

  async #pack(read: PendingRead, content: Buffer, stream: number): Promise<PreparedExtent> {
    const { compressor } = this.#options;
    const { disk, index, source } = read;
    const length = source.layout.length(index);
    await this.#window.room(length);
    // Before it is packed: others are made ready meanwhile, and must find the room taken.
    this.#window.add(read, stream, length);
    const leaf = source.leaves.get(index);
    this.held[disk]?.set(index, leaf);
    const segments = source.leaves.isZero(index) ? [] : segmentsOf(content, source.layout.extent_bytes);
    const plain = compact(content, segments);
    const payload = await compressor.pack(plain);
    const extent: Extent = {
      disk,
      index,
      leaf,
      encoding: payload.is_packed ? encodings.zstd : encodings.plain,
      segments,
      payload: payload.bytes,
    };
    return { extent, plain_bytes: plain.length, step: payload.step, release: payload.release };
  }
}

/** Moves the segments together at the start of the extent's own memory: its leaf is known, its zeros are not needed. */
function compact(content: Buffer, segments: readonly Segment[]): Buffer {
  const [first] = segments;
  if (first === undefined) return content.subarray(0, 0);
  if (segments.length === 1) return content.subarray(first.offset, first.offset + first.length);
  let end = 0;
  for (const { offset, length } of segments) {
    content.copyWithin(end, offset, offset + length);
    end += length;
  }
  return content.subarray(0, end);
}
