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
}

/**
 * Decides for each extent whether it must be read and sent, and makes those ready that must. All that is counted of
 * a disk is counted here, so that no extent counts twice in a round.
 */
export class ExtentPreparation {
  readonly #options: SendingOptions;
  readonly #window: SendWindow;
  /** What the receiver holds, and what is on its way there. */
  held: readonly LeafTable[] = [];

  constructor(options: SendingOptions, window: SendWindow) {
    this.#options = options;
    this.#window = window;
  }

  /** Deals with an extent that need not be read. @returns false when it must be */
  skips(disk: number, index: number, source: SourceDisk): boolean {
    if (!source.isNoted(index)) {
      if (source.mayHaveData(index)) return false;
      source.note(index, null);
    }
    const held = this.held[disk]?.get(index);
    if (held === undefined || !source.leaves.get(index).equals(held)) return false;
    this.#account(source, index, { skipped: !source.sent.has(index) });
    return true;
  }

  /** Nobody knows any more whether these have arrived. */
  doubt(extents: readonly ExtentAddress[]): void {
    for (const { disk, index } of extents) this.held[disk]?.set(index, UNKNOWN_LEAF);
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
    const held = this.held[disk]?.get(index);
    if (held?.equals(source.leaves.get(index)) !== true) return this.#pack(read, content, stream);
    this.#account(source, index, { skipped: true });
    return null;
  }

  /** It is put on the wire now. What was only made ready when a connection broke was not sent. */
  noteLeaving({ disk, index, segments }: Extent): void {
    const { disks, counters } = this.#options;
    const sent = disks[disk]?.sent;
    if (sent?.has(index) === true) counters.resent_bytes += decodedBytes(segments);
    sent?.add(index);
  }

  #account(source: SourceDisk, index: number, how: { readonly skipped: boolean }): void {
    const { counters, onActivity } = this.#options;
    const length = source.layout.length(index);
    counters.processed_bytes += length;
    if (how.skipped) counters.skipped_bytes += length;
    onActivity();
  }

  async #pack(read: PendingRead, content: Buffer, stream: number): Promise<PreparedExtent> {
    const { compressor, counters } = this.#options;
    const { disk, index, source, again } = read;
    const length = source.layout.length(index);
    await this.#window.room(length);
    // Before it is packed: others are made ready meanwhile, and must find the room taken.
    this.#window.add(read, stream, length);
    this.held[disk]?.set(index, source.leaves.get(index));
    const segments = source.leaves.isZero(index) ? [] : segmentsOf(content, source.layout.extent_bytes);
    const plain = compact(content, segments);
    const payload = await compressor.pack(plain);
    const extent: Extent = {
      disk,
      index,
      leaf: source.leaves.get(index),
      encoding: payload.is_packed ? encodings.zstd : encodings.plain,
      segments,
      payload: payload.bytes,
    };
    if (!again) {
      counters.changed_bytes += length;
      this.#account(source, index, { skipped: false });
      counters.skipped_bytes += length - decodedBytes(segments);
    }
    return { extent, plain_bytes: plain.length, step: payload.step };
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
