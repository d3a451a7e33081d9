import { setTimeout as pause } from 'node:timers/promises';
import type { LeafTable } from '../disks/leaf-table.ts';
import { MemoryPool } from '../disks/memory-pool.ts';
import {
  extentFrameHead,
  frameTypes,
  ProtocolError,
  readAcknowledged,
  textFrame,
  type Done,
  type Extent,
  type ExtentAddress,
} from '../protocol.ts';
import { readDone } from '../protocol-texts.ts';
import { ExtentPreparation, type PreparedExtent } from './extent-preparation.ts';
import { FurtherStreams, type Stream } from './further-streams.ts';
import { beginRead, readAhead, readAheadOf, type PendingRead } from './read-ahead.ts';
import { hearHoldings } from './holdings.ts';
import { RemoteFailure, type ReceiverLink } from './receiver-link.ts';
import { SendWindow } from './send-window.ts';
import type { SendingOptions, SessionResult } from './session-terms.ts';

/** What a break may cost at most, and how far the receiver's disk may lag behind. */
export const UNACKNOWLEDGED_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Extents that are made ready while the one before them leaves: packing runs on threads of its own, and on a slow link
 * with text one thread packs less than the link would take.
 */
const READY_AT_ONCE = 2;
/** Of all connections together: of many, or of long extents, fewer are made ready, so that memory is bounded. */
const IN_HAND_BYTES_MAX = 16 * 1024 * 1024;

/** How long an explanation is waited for after the connection has failed under a write. */
const LAST_WORDS_SECONDS = 1;

/** One attempt to bring the receiver's disks to what ours are: from `begin` to `done`. */
export class SendingSession {
  readonly #options: SendingOptions;
  readonly #window = new SendWindow(UNACKNOWLEDGED_BYTES_MAX);
  readonly #preparation: ExtentPreparation;
  #failure: unknown = null;
  #done: Done | null = null;
  readonly #memory: MemoryPool;
  readonly #ready_at_once: number;
  readonly #reads: AsyncGenerator<PendingRead, void, undefined>;
  /** Sent over a stream that broke, and nobody knows whether they arrived. */
  #lost: readonly ExtentAddress[] = [];
  readonly #further: FurtherStreams;

  constructor(options: SendingOptions) {
    this.#options = options;
    const { disks, connections, openStream } = options;
    const preparation = new ExtentPreparation(options, this.#window);
    this.#preparation = preparation;
    this.#further = new FurtherStreams({
      open: openStream,
      send: (stream) => this.#sendOver(stream),
      onBroken: (stream) => this.#lose(this.#window.lose(stream)),
      onRefused: (place) => connections.noteRefused(place),
      onFailure: (error) => this.#window.fail(error),
    });
    const ahead = readAheadOf(disks);
    const longest_bytes = Math.max(1, ...disks.map(({ layout }) => layout.extent_bytes));
    const in_hand = Math.floor(IN_HAND_BYTES_MAX / longest_bytes / connections.most);
    this.#ready_at_once = Math.max(0, Math.min(READY_AT_ONCE, in_hand - 1));
    const pieces = ahead + (1 + this.#ready_at_once) * connections.most;
    this.#memory = new MemoryPool(pieces, (asking) =>
      options.waited_for.during('a disk to be read for the first time', asking),
    );
    this.#reads = readAhead(disks, this.#memory, (disk, index, source) =>
      preparation.skips(disk, index, source),
    );
  }

  /** @throws RemoteFailure, ConnectionClosed, ProtocolError, SourceReadFailure */
  async run(): Promise<SessionResult> {
    const { link, disks, counters, round, held, prove, compressor, connections } = this.#options;
    compressor.restart();
    connections.beginSession();
    counters.processed_bytes = 0;
    counters.skipped_bytes = 0;
    const sizes = disks.map(({ name, layout }) => ({ name, size_bytes: layout.size_bytes }));
    const began_at = performance.now();
    await link.connection.write(textFrame('begin', { round, disks: sizes, continues: held !== null }));
    this.#preparation.held = await this.#readHoldings();
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
      await Promise.race([
        answered.catch(() => undefined),
        pause(LAST_WORDS_SECONDS * 1000, undefined, { ref: false }),
      ]);
      throw this.#failure ?? error;
    } finally {
      await this.#further.close();
      if (this.#failure !== null || this.#done === null) this.#preparation.close();
    }
    if (this.#failure !== null || this.#done === null) throw this.#failure;
    const waited_seconds = (ready_at - began_at + performance.now() - finished_at) / 1000;
    return {
      done: this.#done,
      held: this.#preparation.held,
      overhead_seconds: Math.max(waited_seconds - this.#done.prove_seconds, 0),
    };
  }

  async #readHoldings(): Promise<readonly LeafTable[]> {
    const { link, disks, held, onActivity } = this.#options;
    const tables = await hearHoldings(link, disks, onActivity);
    if (tables !== null) {
      for (const table of held ?? []) table.close();
      return tables;
    }
    if (held === null) throw new ProtocolError('the receiver continues what we have not begun');
    return held.map((table, disk) => table.grown(disks[disk]?.layout ?? table.layout));
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
    const leading = { number: 0, link: this.#options.link, isRetired: () => false };
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

  /** Sends, over one stream of any number, until nothing is left or it is to end. While one extent leaves, the next are made ready. */
  async #sendOver(stream: Stream): Promise<void> {
    const leaving: Promise<void>[] = [];
    let last: Promise<void> = Promise.resolve();
    try {
      while (!stream.isRetired()) {
        const read = await this.#nextRead();
        if (read === null) break;
        await this.#options.cpu.turn();
        last = this.#leave(read, stream, last);
        // Waited for later: until then it is nobody's unhandled failure.
        last.catch(() => undefined);
        leaving.push(last);
        if (leaving.length > this.#ready_at_once) await leaving.shift();
      }
      await last;
    } finally {
      // The memory of what is still leaving must not be read into.
      await Promise.allSettled(leaving);
    }
  }

  /** Makes one extent ready at once, and puts it on the stream behind the one before it. */
  async #leave(read: PendingRead, stream: Stream, before: Promise<void>): Promise<void> {
    const preparing = this.#preparation.prepare(read, stream.number);
    preparing.catch(() => undefined);
    try {
      await before;
      await this.#putNext(await preparing, stream.link);
    } finally {
      const prepared = await preparing.catch(() => null);
      prepared?.release();
      this.#memory.give(read.memory);
    }
  }

  async #nextRead(): Promise<PendingRead | null> {
    const [lost, ...others] = this.#lost;
    const source = lost === undefined ? undefined : this.#options.disks[lost.disk];
    if (lost === undefined || source === undefined) return (await this.#reads.next()).value ?? null;
    this.#lost = others;
    return beginRead(source, lost, this.#memory);
  }

  #lose(extents: readonly ExtentAddress[]): void {
    this.#lost = [...this.#lost, ...extents];
    this.#preparation.doubt(extents);
  }

  async #putNext(prepared: PreparedExtent | null, link: ReceiverLink): Promise<void> {
    if (prepared === null) return;
    const { extent, step, plain_bytes } = prepared;
    this.#preparation.noteLeaving(extent);
    try {
      await this.#put(extent, link);
    } catch (error) {
      this.#preparation.noteLeft(extent, 0);
      throw error;
    }
    const { compressor, connections, counters, total_bytes } = this.#options;
    compressor.notePut(step, plain_bytes);
    connections.notePut({
      open: 1 + this.#further.count,
      packing: step,
      plain_bytes,
      left_bytes: total_bytes - counters.processed_bytes,
    });
    this.#further.want(connections.wanted - 1);
  }

  async #put(extent: Extent, link: ReceiverLink): Promise<void> {
    const { limiter, counters, connections, onActivity } = this.#options;
    const parts = [extentFrameHead(extent), extent.payload];
    const frame_bytes = parts.reduce((sum, { length }) => sum + length, 0);
    let left_bytes = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        const slice = part.subarray(at, at + Math.min(limiter.slice_bytes, part.length));
        await limiter.take(slice.length);
        await connections.during(link.connection.write(slice), slice.length);
        at += slice.length;
        counters.sent_bytes += slice.length;
        left_bytes += slice.length;
        this.#preparation.noteLeft(extent, left_bytes / frame_bytes);
        onActivity();
      }
    }
  }
}
