import type { SourceDisk } from './source-disk.ts';
import type { ReceiverLink } from './receiver-link.ts';
import { RemoteFailure } from './receiver-link.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { Compressor } from './compressor.ts';
import { LeafTable } from '../disks/leaf-table.ts';
import { MemoryPool } from '../disks/memory-pool.ts';
import { segmentsOf, UNKNOWN_LEAF, type Segment } from '../disks/extents.ts';
import { beginRead, READ_AHEAD, readAhead, type PendingRead } from './read-ahead.ts';
import { FurtherStreams, type Stream } from './further-streams.ts';
import { SendWindow } from './send-window.ts';
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
  type ExtentAddress,
} from '../protocol.ts';
import { readDone, readReady } from '../protocol-texts.ts';

/** What a break may cost at most, and how far the receiver's disk may lag behind. */
const UNACKNOWLEDGED_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Extents that are made ready while the one before them leaves: packing runs on threads of its own, and on a slow link
 * with text one thread packs less than the link would take.
 */
const READY_AT_ONCE = 2;
/** A round with less to send is over before more connections would pay. */
const WORTH_MORE_CONNECTIONS_BYTES = 32 * 1024 * 1024;

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
  /** Further connections that may be made, and how. They send extents, no more; one that breaks is done without. */
  readonly further: { readonly count: number; readonly open: (stream: number) => Promise<ReceiverLink> };
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

/** One attempt to bring the receiver's disks to what ours are: from `begin` to `done`. */
export class SendingSession {
  readonly #options: SendingOptions;
  #held: readonly LeafTable[] = [];
  readonly #window = new SendWindow(UNACKNOWLEDGED_BYTES_MAX);
  #failure: unknown = null;
  #done: Done | null = null;
  readonly #memory: MemoryPool;
  readonly #reads: AsyncGenerator<PendingRead, void, undefined>;
  /** Sent over a stream that broke, and nobody knows whether they arrived. */
  #lost: readonly ExtentAddress[] = [];
  #put_bytes = 0;
  readonly #further: FurtherStreams;

  constructor(options: SendingOptions) {
    this.#options = options;
    const { disks, further } = options;
    this.#further = new FurtherStreams({
      ...further,
      send: (stream) => this.#sendOver(stream),
      onBroken: (stream) => this.#lose(this.#window.lose(stream)),
      onFailure: (error) => this.#window.fail(error),
    });
    this.#memory = new MemoryPool(READ_AHEAD + (1 + READY_AT_ONCE) * (1 + further.count));
    this.#reads = readAhead(disks, this.#memory, (disk, index, source) => this.#skips(disk, index, source));
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
      this.#window.fail(error);
      // What the receiver has to say explains why it closed the connection while we wrote.
      await Promise.race([answered.catch(() => undefined), seconds(1)]);
      throw this.#failure ?? error;
    } finally {
      await this.#further.close();
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
        this.#window.acknowledge(readAcknowledged(body));
      }
    } catch (error) {
      this.#failure ??= error;
      this.#window.fail(error);
      // A writer that waits for the window hears of it too.
      if (!(error instanceof RemoteFailure)) link.connection.destroy();
      else link.destroy();
    }
  }

  async #sendDisks(): Promise<void> {
    const leading = { number: 0, link: this.#options.link };
    try {
      do {
        await this.#sendOver(leading);
        // Each has sent its last extent, and that was taken; or it broke, and what it lost is to be sent.
        await this.#further.ended();
        this.#window.check();
      } while (this.#lost.length > 0);
    } finally {
      await this.#reads.return();
    }
  }

  /** Sends, over one stream of any number, until nothing is left. While one extent leaves, the next are made ready. */
  async #sendOver(stream: Stream): Promise<void> {
    const leaving: Promise<void>[] = [];
    let last: Promise<void> = Promise.resolve();
    try {
      for (let read = await this.#nextRead(); read !== null; read = await this.#nextRead()) {
        last = this.#leave(read, stream, last);
        // Waited for later: until then it is nobody's unhandled failure.
        last.catch(() => undefined);
        leaving.push(last);
        if (leaving.length > READY_AT_ONCE) await leaving.shift();
        if (this.#put_bytes >= WORTH_MORE_CONNECTIONS_BYTES) this.#further.start();
      }
      await last;
    } finally {
      // The memory of what is still leaving must not be read into.
      await Promise.allSettled(leaving);
    }
  }

  /** Makes one extent ready at once, and puts it on the stream behind the one before it. */
  async #leave(read: PendingRead, stream: Stream, before: Promise<void>): Promise<void> {
    const preparing = this.#prepare(read, stream);
    preparing.catch(() => undefined);
    try {
      await before;
      await this.#putNext(await preparing, stream.link);
    } finally {
      await preparing.catch(() => undefined);
      this.#memory.give(read.memory);
    }
  }

  async #nextRead(): Promise<PendingRead | null> {
    const [lost, ...others] = this.#lost;
    const source = lost === undefined ? undefined : this.#options.disks[lost.disk];
    if (lost === undefined || source === undefined) return (await this.#reads.next()).value ?? null;
    this.#lost = others;
    return beginRead(source, lost, { pool: this.#memory, again: true });
  }

  #lose(extents: readonly ExtentAddress[]): void {
    this.#lost = [...this.#lost, ...extents];
    for (const { disk, index } of extents) this.#held[disk]?.set(index, UNKNOWN_LEAF);
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

  /** @returns null when the receiver has it already */
  async #prepare(read: PendingRead, stream: Stream): Promise<Extent | null> {
    const { disk, index, source } = read;
    this.#window.check();
    const content = await read.content;
    this.#options.counters.read_bytes += content.length;
    source.note(index, content);
    const held = this.#held[disk]?.get(index);
    if (held?.equals(source.leaves.get(index)) !== true) return this.#pack(read, content, stream);
    this.#account(source, index, { skipped: true });
    return null;
  }

  async #pack(read: PendingRead, content: Buffer, stream: Stream): Promise<Extent> {
    const { limiter, compressor, counters } = this.#options;
    const { disk, index, source, again } = read;
    const length = source.layout.length(index);
    await this.#window.room(length);
    // Before it is packed: others are made ready meanwhile, and must find the room taken.
    this.#window.add(read, stream.number, length);
    this.#held[disk]?.set(index, source.leaves.get(index));
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
    if (!again) {
      counters.changed_bytes += length;
      this.#account(source, index, { skipped: false });
      counters.skipped_bytes += length - decodedBytes(segments);
    }
    return extent;
  }

  async #putNext(extent: Extent | null, link: ReceiverLink): Promise<void> {
    if (extent === null) return;
    const started_at = performance.now();
    const wire_bytes = await this.#put(extent, link);
    // Each stream sees its part of the link.
    const seen_bytes = wire_bytes * (1 + this.#further.count);
    this.#options.compressor.noteSent(seen_bytes, performance.now() - started_at);
  }

  async #put(extent: Extent, link: ReceiverLink): Promise<number> {
    const { limiter, counters, onActivity } = this.#options;
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
    this.#put_bytes += total_bytes;
    return total_bytes;
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
