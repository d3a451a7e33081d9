import type { SourceDisk } from './source-disk.ts';
import type { ReceiverLink } from './receiver-link.ts';
import { RemoteFailure } from './receiver-link.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { Compressor } from './compressor.ts';
import { LeafTable } from '../disks/leaf-table.ts';
import { MemoryPool } from '../disks/memory-pool.ts';
import { segmentsOf, type Segment } from '../disks/extents.ts';
import {
  decodedBytes,
  encodings,
  extentFrameHead,
  frameTypes,
  ProtocolError,
  readAcknowledged,
  readHoldings,
  textFrame,
  type Done,
  type Extent,
} from '../protocol.ts';
import { readDone, readReady } from '../protocol-texts.ts';

/** Extents that are read before their turn: the disk works while the last one is hashed and sent. */
const READ_AHEAD = 3;
/** What a break may cost at most, and how far the receiver's disk may lag behind. */
const UNACKNOWLEDGED_BYTES_MAX = 64 * 1024 * 1024;
/** A long row of holes must not keep the process from hearing a cancel. */
const EXTENTS_PER_TURN = 4096;

/** What has been done so far, over all sessions of a transfer. */
export interface TransferCounters {
  /** Of this round. */
  processed_bytes: number;
  skipped_bytes: number;
  /** Of the disks, whole extents: read, and found to be other than what the receiver had. */
  read_bytes: number;
  changed_bytes: number;
  /** On the wire, whatever it was. */
  sent_bytes: number;
  /** Of the disks: sent more than once. */
  resent_bytes: number;
}

export class SourceReadFailure extends Error {
  override readonly name = 'SourceReadFailure';
  readonly disk: string;

  constructor(disk: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.disk = disk;
  }
}

export interface SendingOptions {
  readonly link: ReceiverLink;
  readonly disks: readonly SourceDisk[];
  readonly round: number;
  readonly limiter: RateLimiter;
  readonly compressor: Compressor;
  readonly counters: TransferCounters;
  /** What the receiver holds since the round before, over this very link; null: it has to say so. */
  readonly held: readonly LeafTable[] | null;
  /** More rounds will follow: the receiver reads what it has written again. */
  readonly prove: boolean;
  /** Something has moved: the transfer is not stalled. */
  readonly onActivity: () => void;
}

export interface SessionResult {
  readonly done: Done;
  /** What the receiver holds now. */
  readonly held: readonly LeafTable[];
  /** What a round costs that has nothing to send: from `begin` to `ready`, and from `finish` to `done` less the proving. */
  readonly overhead_seconds: number;
}

interface PendingRead {
  readonly disk: number;
  readonly index: number;
  readonly memory: Buffer;
  readonly content: Promise<Buffer>;
}

/** One attempt to bring the receiver's disks to what ours are: from `begin` to `done`. */
export class SendingSession {
  readonly #options: SendingOptions;
  #held: readonly LeafTable[] = [];
  #unacknowledged_bytes = 0;
  #wakeOnAcknowledgement: (() => void) | null = null;
  #failure: unknown = null;
  #done: Done | null = null;
  readonly #memory = new MemoryPool(READ_AHEAD + 1);

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** @throws RemoteFailure, ConnectionClosed, ProtocolError, SourceReadFailure */
  async run(): Promise<SessionResult> {
    const { link, disks, counters, round, held, prove } = this.#options;
    counters.processed_bytes = 0;
    counters.skipped_bytes = 0;
    const sizes = disks.map(({ name, layout }) => ({ name, size_bytes: layout.size_bytes }));
    const began_at = performance.now();
    await link.connection.write(textFrame('begin', { round, disks: sizes, continues: held !== null }));
    this.#held = await this.#readHoldings();
    const ready_at = performance.now();
    let finished_at = ready_at;
    const answered = this.#hear();
    try {
      await this.#sendDisks();
      const digests = disks.map(({ leaves }) => leaves.root());
      finished_at = performance.now();
      await link.connection.write(textFrame('finish', { digests, prove }));
      await answered;
    } catch (error) {
      // What the receiver has to say explains why it closed the connection while we wrote.
      await Promise.race([answered.catch(() => undefined), seconds(1)]);
      throw this.#failure ?? error;
    }
    if (this.#failure !== null || this.#done === null) throw this.#failure;
    const waited_seconds = (ready_at - began_at + performance.now() - finished_at) / 1000;
    return {
      done: this.#done,
      held: this.#held,
      overhead_seconds: Math.max(waited_seconds - this.#done.prove_seconds, 0),
    };
  }

  async #readHoldings(): Promise<readonly LeafTable[]> {
    const { link, disks, held, onActivity } = this.#options;
    const tables = disks.map(({ layout }) => new LeafTable(layout));
    for (;;) {
      const { type, body } = await link.next();
      onActivity();
      if (type === frameTypes.ready) {
        if (!readReady(body).continued) return tables;
        if (held === null) throw new ProtocolError('the receiver continues what we have not begun');
        return held.map((table, disk) => table.grown(disks[disk]?.layout ?? table.layout));
      }
      if (type !== frameTypes.holdings) throw new ProtocolError(`type ${type} instead of holdings`);
      const { disk, holdings } = readHoldings(body);
      const table = tables[disk];
      for (const { index, leaf } of holdings) {
        if (table === undefined || index >= table.layout.count)
          throw new ProtocolError('holdings of nothing of ours');
        table.set(index, leaf);
      }
    }
  }

  /** Hears the receiver until it is done. */
  async #hear(): Promise<void> {
    const { link, onActivity } = this.#options;
    try {
      for (;;) {
        const { type, body } = await link.next();
        onActivity();
        if (type === frameTypes.done) {
          this.#done = readDone(body);
          return;
        }
        if (type !== frameTypes.acknowledged)
          throw new ProtocolError(`type ${type} instead of an acknowledgement`);
        for (const { disk, index } of readAcknowledged(body)) {
          this.#unacknowledged_bytes -= this.#options.disks[disk]?.layout.length(index) ?? 0;
        }
        this.#wakeOnAcknowledgement?.();
      }
    } catch (error) {
      this.#failure = error;
      this.#wakeOnAcknowledgement?.();
      // A writer that waits for the window hears of it too.
      if (!(error instanceof RemoteFailure)) link.connection.destroy();
      else link.destroy();
    }
  }

  async #sendDisks(): Promise<void> {
    const reading: PendingRead[] = [];
    let turn = 0;
    try {
      for (const [disk, source] of this.#options.disks.entries()) {
        for (let index = 0; index < source.layout.count; index += 1) {
          turn += 1;
          if (turn % EXTENTS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
          if (this.#skips(disk, index, source)) continue;
          if (reading.length >= READ_AHEAD) await this.#sendNext(reading);
          if (this.#failure !== null) throw this.#failure;
          reading.push(await this.#read(disk, index, source));
        }
      }
      while (reading.length > 0) await this.#sendNext(reading);
    } finally {
      // Reads that nobody waits for any more end before their files are closed.
      await Promise.allSettled(reading.map(({ content }) => content));
    }
  }

  /** Deals with an extent that need not be read. @returns false when it must be */
  #skips(disk: number, index: number, source: SourceDisk): boolean {
    if (!source.isNoted(index)) {
      if (source.mayHaveData(index)) return false;
      source.note(index, null);
    }
    const held = this.#held[disk]?.get(index);
    if (held === undefined || !source.leaves.get(index).equals(held)) return false;
    this.#account(source, index, { skipped: !source.sent.has(index) });
    return true;
  }

  #account(source: SourceDisk, index: number, how: { readonly skipped: boolean }): void {
    const { counters, onActivity } = this.#options;
    const length = source.layout.length(index);
    counters.processed_bytes += length;
    if (how.skipped) counters.skipped_bytes += length;
    onActivity();
  }

  async #read(disk: number, index: number, source: SourceDisk): Promise<PendingRead> {
    const memory = await this.#memoryFor(source);
    const content = source.read(index, memory);
    // Waited for later: until then it is nobody's unhandled failure.
    content.catch(() => undefined);
    return { disk, index, memory, content };
  }

  async #memoryFor(source: SourceDisk): Promise<Buffer> {
    try {
      return await source.memoryFrom(this.#memory);
    } catch (error) {
      throw new SourceReadFailure(source.name, error);
    }
  }

  async #sendNext(reading: PendingRead[]): Promise<void> {
    const next = reading.shift();
    if (next === undefined) return;
    const { disk, index, memory } = next;
    const source = this.#options.disks[disk];
    const held = this.#held[disk];
    if (source === undefined || held === undefined) return;
    let content: Buffer;
    try {
      content = await next.content;
    } catch (error) {
      throw new SourceReadFailure(source.name, error);
    }
    this.#options.counters.read_bytes += content.length;
    source.note(index, content);
    const leaf = source.leaves.get(index);
    if (leaf.equals(held.get(index))) this.#account(source, index, { skipped: true });
    else await this.#send(disk, index, source, content);
    this.#memory.give(memory);
  }

  async #send(disk: number, index: number, source: SourceDisk, content: Buffer): Promise<void> {
    const { limiter, compressor, counters } = this.#options;
    const length = source.layout.length(index);
    await this.#waitForWindow(length);
    const segments = source.leaves.isZero(index) ? [] : segmentsOf(content, source.layout.extent_bytes);
    const plain = compact(content, segments);
    const packed = await compressor.pack(plain, limiter.rate_bytes_per_second);
    const extent: Extent = {
      disk,
      index,
      leaf: source.leaves.get(index),
      encoding: packed === null ? encodings.plain : encodings.zstd,
      segments,
      payload: packed ?? plain,
    };
    if (source.sent.has(index)) counters.resent_bytes += decodedBytes(segments);
    source.sent.add(index);
    this.#unacknowledged_bytes += length;
    counters.changed_bytes += length;
    this.#held[disk]?.set(index, extent.leaf);
    const started_at = performance.now();
    const wire_bytes = await this.#put(extent);
    compressor.noteSent(wire_bytes, performance.now() - started_at);
    this.#account(source, index, { skipped: false });
    counters.skipped_bytes += length - decodedBytes(segments);
  }

  async #put(extent: Extent): Promise<number> {
    const { link, limiter, counters, onActivity } = this.#options;
    const parts = [extentFrameHead(extent), extent.payload];
    let total_bytes = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        const slice = part.subarray(at, at + Math.min(limiter.slice_bytes, part.length));
        await limiter.take(slice.length);
        await link.connection.write(slice);
        at += slice.length;
        total_bytes += slice.length;
        counters.sent_bytes += slice.length;
        onActivity();
      }
    }
    return total_bytes;
  }

  async #waitForWindow(length: number): Promise<void> {
    while (
      this.#failure === null &&
      this.#unacknowledged_bytes > 0 &&
      this.#unacknowledged_bytes + length > UNACKNOWLEDGED_BYTES_MAX
    ) {
      await new Promise<void>((resolve) => {
        this.#wakeOnAcknowledgement = resolve;
      });
      this.#wakeOnAcknowledgement = null;
    }
    if (this.#failure !== null) throw this.#failure;
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

function seconds(amount: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, amount * 1000).unref();
  });
}
