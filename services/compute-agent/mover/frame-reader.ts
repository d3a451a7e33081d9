import { FRAME_HEADER_BYTES, ProtocolError } from './protocol.ts';

export interface Frame {
  readonly type: number;
  /** Valid until the next frame is asked for when the reader reuses its memory. */
  readonly body: Buffer;
}

/** The longest frame of a type that may come now; 0 for a type that may not come at all. */
export type FrameLimit = (type: number) => number;

/**
 * Cuts a stream into frames. A frame's length is believed only up to the limit of its type, which is asked
 * before any memory is taken for it.
 */
export class FrameReader {
  readonly #limit: FrameLimit;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #header_bytes = 0;
  #body: Buffer | null = null;
  #body_bytes = 0;
  /** Grows to the longest body seen and is used again: bodies of extents would be much garbage. */
  #memory = Buffer.alloc(0);
  readonly #reuse: boolean;

  /** @param options.reuse a frame's body is overwritten by the next frame: the reader's user is done with it by then */
  constructor(limit: FrameLimit, options: { readonly reuse: boolean }) {
    this.#limit = limit;
    this.#reuse = options.reuse;
  }

  /** True in the middle of a frame: a stream that ends here was cut. */
  get torn(): boolean {
    return this.#header_bytes > 0;
  }

  /**
   * The frames that a chunk completes.
   * @throws ProtocolError for a frame that is too long, too short or of an unknown type
   */
  *read(chunk: Buffer): Generator<Frame, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#body === null) {
        at += this.#takeHeader(chunk, at);
        if (this.#header_bytes < FRAME_HEADER_BYTES) return;
        this.#body = this.#memoryFor(this.#checkedLength());
        this.#body_bytes = 0;
      }
      const copied = chunk.copy(this.#body, this.#body_bytes, at);
      at += copied;
      this.#body_bytes += copied;
      if (this.#body_bytes < this.#body.length) return;
      const frame = { type: this.#header.readUInt8(4), body: this.#body };
      this.#body = null;
      this.#header_bytes = 0;
      yield frame;
    }
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#header, this.#header_bytes, at);
    this.#header_bytes += copied;
    return copied;
  }

  /** Length of the body: the header's length counts the type's byte too. */
  #checkedLength(): number {
    const length = this.#header.readUInt32BE(0);
    const type = this.#header.readUInt8(4);
    const length_max = this.#limit(type);
    if (length_max === 0) throw new ProtocolError(`an unexpected frame of type ${type}`);
    if (length < 1 || length > length_max) {
      throw new ProtocolError(`a frame of type ${type} with ${length} bytes, at most ${length_max}`);
    }
    return length - 1;
  }

  #memoryFor(length: number): Buffer {
    if (!this.#reuse) return Buffer.allocUnsafe(length);
    if (this.#memory.length < length) this.#memory = Buffer.allocUnsafeSlow(length);
    return this.#memory.subarray(0, length);
  }
}
