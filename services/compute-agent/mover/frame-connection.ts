import { finished, Duplex, type Readable, type Writable } from 'node:stream';
import { FrameReader, type Frame, type FrameLimit } from './frame-reader.ts';

/** The other side went away, in order or not. Whether that is a failure depends on what was still to come. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

/** A connection whose two directions are streams of their own. */
export interface ByteStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** What a stream writes its packets to: those between the two leave together. */
export interface PacketGate {
  cork(): void;
  uncork(): void;
}

/**
 * Frames over a stream of bytes. Writing waits until the stream has taken the bytes, so that a slow peer slows
 * the writer and never fills memory.
 */
export class FrameConnection {
  readonly #input: Readable;
  readonly #output: Writable;
  #failure: Error | null = null;
  readonly #writers = new Set<(error: Error) => void>();

  readonly #transport: PacketGate | null;

  /** @param transport what the stream writes its packets to: those of one write leave together */
  constructor(streams: Duplex | ByteStreams, transport: PacketGate | null = null) {
    const { input, output } = streams instanceof Duplex ? { input: streams, output: streams } : streams;
    this.#input = input;
    this.#output = output;
    this.#transport = transport;
    for (const stream of new Set([input, output])) stream.on('error', (error) => this.#fail(error));
    // An input of its own closes when it has ended: then the other side may still listen.
    output.once('close', () => this.#fail(new ConnectionClosed('the connection was closed')));
  }

  get closed(): boolean {
    return this.#failure !== null;
  }

  /** What we have written and the stream has not taken yet. */
  get unread_bytes(): number {
    return this.#output.writableLength;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    // A stream that is destroyed does not call back for what it still held.
    for (const reject of this.#writers) reject(this.#failure);
    this.#writers.clear();
  }

  /** Resolves when the stream has taken the bytes: until then they must not change. @throws ConnectionClosed */
  write(bytes: Buffer): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#writers.add(reject);
      this.#transport?.cork();
      process.nextTick(() => this.#transport?.uncork());
      this.#output.write(bytes, (error) => {
        this.#writers.delete(reject);
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /**
   * Each frame is handled before the next is cut, and the peer waits meanwhile. Ends when the stream ends between
   * frames. One reader at a time.
   * @throws ConnectionClosed, ProtocolError, the stream's error
   */
  async *frames(
    limit: FrameLimit,
    options: { readonly reuse: boolean },
  ): AsyncGenerator<Frame, void, undefined> {
    const stream = this.#input;
    const reader = new FrameReader(limit, options);
    let found: Iterator<Frame> | null = null;
    let frame: Frame | null = null;
    let ended = false;
    let failure: unknown = null;
    let wake = (): void => undefined;
    // Most chunks complete no frame: nobody is woken for them.
    const onData = (chunk: Buffer): void => {
      try {
        found = reader.read(chunk);
        frame = nextOf(found);
        if (frame === null) return;
      } catch (error) {
        failure = error;
      }
      stream.pause();
      wake();
    };
    const forget = finished(stream, { writable: false }, (error) => {
      ended = true;
      if (error !== null && error !== undefined) failure ??= error;
      wake();
    });
    stream.on('data', onData);
    try {
      for (;;) {
        while (frame !== null) {
          yield frame;
          frame = found === null ? null : nextOf(found);
        }
        if (failure !== null) throw failure;
        if (ended) break;
        const woken = new Promise<void>((resolve) => (wake = resolve));
        stream.resume();
        await woken;
      }
    } catch (error) {
      if (isStreamEnd(error)) throw new ConnectionClosed('the connection broke', { cause: error });
      throw error;
    } finally {
      // The stream outlives the loop: it may still be written to.
      stream.off('data', onData);
      stream.pause();
      forget();
    }
    if (reader.torn) throw new ConnectionClosed('the connection broke in the middle of a frame');
  }

  /** Says that nothing more will come. */
  end(): void {
    this.#output.end();
  }

  destroy(): void {
    this.#fail(new ConnectionClosed('we have closed the connection'));
    this.#input.destroy();
    this.#output.destroy();
  }
}

function nextOf(frames: Iterator<Frame>): Frame | null {
  const { value, done } = frames.next();
  return done === true ? null : value;
}

function isStreamEnd(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
