import { Duplex } from 'node:stream';
import { ConnectionClosed, FrameConnection, type ByteStreams } from '../frame-connection.ts';
import { unlimitedCpu, type CpuShare } from '../cpu-share.ts';
import { SpillFailure } from '../disks/spill-file.ts';
import type { Frame } from '../frame-reader.ts';
import {
  extentFrameBytesMax,
  frameTypes,
  PROTOCOL_VERSION,
  ProtocolError,
  STREAMS_MAX,
  TEXT_FRAME_BYTES_MAX,
  textFrame,
  type Failed,
  type Hello,
} from '../protocol.ts';
import { readBegin, readFinish, readHello } from '../protocol-texts.ts';
import { DigestMismatch, DiskFailure } from './failures.ts';
import type { Admitted } from './admitted.ts';
import { ReceivingSession } from './session.ts';

interface Stream {
  readonly connection: FrameConnection;
  hello: Hello | null;
}

/**
 * The receiver of one migration: any number of connections, one session at a time. A new session ends the one
 * before it: its sender was started again, or its connection broke and the break has not arrived here yet.
 */
export class Receiver {
  readonly #admitted: Admitted;
  readonly #cpu: CpuShare;
  readonly #streams = new Set<Stream>();
  readonly #serving = new Set<Promise<void>>();
  #session: { readonly id: string; readonly leading: Stream; readonly work: ReceivingSession } | null = null;
  /** Sessions are begun and closed one after the other. */
  #turn: Promise<void> = Promise.resolve();

  /** @param cpu what it may take of the host */
  constructor(admitted: Admitted, cpu: CpuShare = unlimitedCpu) {
    this.#admitted = admitted;
    this.#cpu = cpu;
  }

  get migration_id(): string {
    return this.#admitted.migration_id;
  }

  get idle(): boolean {
    return this.#streams.size === 0;
  }

  /** Talks to one sender until the connection ends. Never throws: what went wrong is said to the sender. */
  serve(streams: Duplex | ByteStreams): Promise<void> {
    const serving = this.#serve(streams).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
    return serving;
  }

  async #serve(streams: Duplex | ByteStreams): Promise<void> {
    const stream: Stream = { connection: new FrameConnection(streams), hello: null };
    // Those that have just broken may still be here. More would be memory that a hostile sender makes us take.
    if (this.#streams.size >= 2 * STREAMS_MAX) return stream.connection.destroy();
    // A sender that has ended its side still hears what we have to say.
    if (streams instanceof Duplex) streams.allowHalfOpen = true;
    this.#streams.add(stream);
    try {
      await this.#converse(stream);
    } catch (error) {
      await this.#refuse(stream.connection, error);
    } finally {
      await this.#leave(stream);
      stream.connection.end();
      this.#streams.delete(stream);
    }
  }

  async #converse(stream: Stream): Promise<void> {
    const limit = (type: number): number => this.#limit(stream, type);
    for await (const frame of stream.connection.frames(limit, { reuse: true })) {
      await this.#handle(stream, frame);
    }
    const { hello, connection } = stream;
    // All that came over it was taken.
    if (hello !== null && hello.stream > 0) await connection.write(textFrame('ready', { continued: true }));
  }

  /** What may come now. An extent's length is bounded by the admitted disks, not by what the sender says. */
  #limit(stream: Stream, type: number): number {
    const { hello } = stream;
    if (hello === null) return type === frameTypes.hello ? TEXT_FRAME_BYTES_MAX : 0;
    const session = this.#sessionOf(hello);
    const leads = hello.stream === 0;
    if (session === null) return leads && type === frameTypes.begin ? TEXT_FRAME_BYTES_MAX : 0;
    if (type === frameTypes.extent) return extentFrameBytesMax(session.extent_bytes_max);
    return leads && (type === frameTypes.finish || type === frameTypes.begin) ? TEXT_FRAME_BYTES_MAX : 0;
  }

  #sessionOf(hello: Hello): ReceivingSession | null {
    return this.#session?.id === hello.session ? this.#session.work : null;
  }

  async #handle(stream: Stream, frame: Frame): Promise<void> {
    const { connection, hello } = stream;
    if (hello === null) {
      stream.hello = this.#greet(readHello(frame.body));
      const { migration_id } = this.#admitted;
      return connection.write(textFrame('welcome', { version: PROTOCOL_VERSION, migration_id }));
    }
    const session = this.#sessionOf(hello);
    switch (frame.type) {
      case frameTypes.begin: {
        const begin = readBegin(frame.body);
        return this.#inTurn(async () => {
          if ((await session?.continueWith(begin)) === true) return;
          await this.#endSession();
          const work = new ReceivingSession(this.#admitted, connection, {
            cpu: this.#cpu,
            onFailure: (error) => void this.#giveUp(connection, error),
          });
          this.#session = { id: hello.session, leading: stream, work };
          await work.begin(begin);
        });
      }
      case frameTypes.extent:
        return session?.take(frame.body);
      case frameTypes.finish:
        return session?.finish(readFinish(frame.body));
      default:
        throw new ProtocolError(`a frame of type ${frame.type}`);
    }
  }

  #greet(hello: Hello): Hello {
    if (hello.version !== PROTOCOL_VERSION) {
      throw new ProtocolError(`version ${hello.version} is not spoken here, only ${PROTOCOL_VERSION}`);
    }
    if (hello.migration_id !== this.#admitted.migration_id) {
      throw new ProtocolError(`migration ${hello.migration_id} is not admitted here`);
    }
    if (hello.stream >= STREAMS_MAX) throw new ProtocolError(`stream ${hello.stream} of ${STREAMS_MAX}`);
    return hello;
  }

  async #refuse(connection: FrameConnection, error: unknown): Promise<void> {
    if (error instanceof ConnectionClosed || connection.closed) return;
    await connection.write(textFrame('failed', describeFailure(error))).catch(() => undefined);
  }

  async #giveUp(connection: FrameConnection, error: unknown): Promise<void> {
    await this.#refuse(connection, error);
    connection.destroy();
  }

  /** The session ends with the stream that leads it, not with one that led the sender's session before. */
  async #leave(stream: Stream): Promise<void> {
    if (stream.hello?.stream !== 0) return;
    await this.#inTurn(async () => {
      if (this.#session?.leading === stream) await this.#endSession();
    });
  }

  async #endSession(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    // Told to the sender by whoever has its connection; here nobody is left to hear it.
    await session.work.close().catch(() => undefined);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Ends all connections and closes the files. What has come is kept. */
  async stop(): Promise<void> {
    for (const { connection } of this.#streams) connection.destroy();
    await Promise.all(this.#serving);
    await this.#inTurn(() => this.#endSession());
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function describeFailure(error: unknown): Failed {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof DiskFailure) {
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    const full = code !== undefined && FULL.has(code);
    return { code: full ? 'mover_target_full' : 'mover_write_failed', disk: error.disk, reason };
  }
  if (error instanceof SpillFailure) return { code: 'mover_spill_failed', disk: '', reason };
  if (error instanceof DigestMismatch) return { code: 'mover_digest_mismatch', disk: error.disk, reason };
  return { code: 'mover_refused', disk: '', reason };
}
