import { constants, createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { roomFor, useRoomAgain, type Lent } from '../zlib-room.ts';

/** As much again: what fills the room exactly is asked once more whether there is more to come. */
const SPARE_BYTES = 64;
/**
 * Of zstd: what a payload may make us remember of what came before, for as long as the unpacker is kept. 4 MiB, as long as
 * an extent can be: a sender's frames need no more.
 */
const WINDOW_LOG_MAX = 22;

/**
 * zstd that is kept from one payload to the next, as the sender's is (sender/packers.ts): a context and room for each
 * payload, as Node's own `zstdDecompress` makes them, cost half as much again as the unpacking.
 */
class Unpacker {
  readonly room_bytes: number;
  readonly #stream: ZstdDecompress;
  #content: Buffer[] = [];
  #content_bytes = 0;
  #expected_bytes = 0;
  #fail: (error: Error) => void = () => undefined;

  constructor(room_bytes: number) {
    this.room_bytes = room_bytes;
    this.#stream = createZstdDecompress({
      chunkSize: room_bytes + SPARE_BYTES,
      // Each write is a whole frame: one that ends too early is an error now, and not in the next payload.
      flush: constants.ZSTD_e_end,
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    });
    this.#stream.on('data', (bytes: Buffer) => this.#take(bytes));
    // A write that fails inside zstd is not called back.
    this.#stream.on('error', (error) => this.#fail(error));
    // It ends by itself where more follows a frame than belongs to it.
    this.#stream.on('end', () => this.#fail(new Error('more than one frame')));
    this.#stream.on('close', () => this.#fail(new Error('the unpacker was closed')));
  }

  #take(bytes: Buffer): void {
    this.#content_bytes += bytes.length;
    if (this.#content_bytes <= this.#expected_bytes) this.#content.push(bytes);
    // A room more than was expected has been made of it at most.
    else this.#stream.destroy(new Error(`more than ${this.#expected_bytes} bytes`));
  }

  /** One at a time, and what it gives holds until the next. @throws zstd's errors, and when it is not as long as expected; then it is of no use any more */
  unpack(payload: Buffer, expected_bytes: number): Promise<Buffer> {
    this.#expected_bytes = expected_bytes;
    useRoomAgain(this.#stream);
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#stream.write(payload, (error) => {
        const content = this.#content;
        const content_bytes = this.#content_bytes;
        this.#content = [];
        this.#content_bytes = 0;
        const [only] = content;
        if (error !== null && error !== undefined) reject(error);
        else if (only === undefined || content_bytes !== expected_bytes)
          reject(new Error(`${content_bytes} bytes instead of ${expected_bytes}`));
        else resolve(content.length > 1 ? Buffer.concat(content) : only);
      });
    });
  }

  get is_good(): boolean {
    return this.#stream.writable && !this.#stream.readableEnded;
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** In all: as many as libuv has threads. What waits for one waits in its connection. */
const UNPACKERS_MAX = 4;

/** A bounded number of unpackers, each with its window and room for one content. */
export class Unpackers {
  readonly #idle: Unpacker[] = [];
  #in_use = 0;
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /** Waits until one is given back, if all are lent. @throws Error when the payload is not one frame of so many bytes */
  async unpack(payload: Buffer, expected_bytes: number): Promise<Lent> {
    while (this.#in_use >= UNPACKERS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#in_use += 1;
    const unpacker = this.#take(expected_bytes);
    try {
      const bytes = await unpacker.unpack(payload, expected_bytes);
      return { bytes, release: () => this.#takeBack(unpacker) };
    } catch (error) {
      unpacker.close();
      this.#takeBack(unpacker);
      throw error;
    }
  }

  /** Lets their memory go, but for what is lent: that follows when it is given back. */
  close(): void {
    this.#closed = true;
    for (const unpacker of this.#idle.splice(0)) unpacker.close();
  }

  #take(expected_bytes: number): Unpacker {
    const idle = this.#idle.pop();
    if (idle !== undefined && idle.room_bytes >= expected_bytes) return idle;
    idle?.close();
    return new Unpacker(roomFor(expected_bytes));
  }

  #takeBack(unpacker: Unpacker): void {
    if (unpacker.is_good && !this.#closed) this.#idle.push(unpacker);
    else unpacker.close();
    this.#in_use -= 1;
    this.#waiting.shift()?.();
  }
}
