import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { roomFor, useRoomAgain, type Lent } from '../zlib-room.ts';

/** zstd packs in one go, and without copying, where its worst result would fit. */
const worstOf = (plain_bytes: number): number => plain_bytes + Math.ceil(plain_bytes / 128) + 1024;

/**
 * zstd that is kept from one payload to the next. Node's own `zstdCompress` makes a stream, a context and its tables for
 * each, tells zstd only afterwards that nothing more comes, and keeps the collector of garbage busy: together a fifth
 * of the processor time, and a third of the time that passes.
 */
class Packer {
  readonly level: number;
  readonly room_bytes: number;
  readonly #stream: ZstdCompress;
  #packed: Buffer[] = [];
  #fail: (error: Error) => void = () => undefined;

  constructor(level: number, room_bytes: number) {
    this.level = level;
    this.room_bytes = room_bytes;
    this.#stream = createZstdCompress({
      chunkSize: worstOf(room_bytes),
      // Each write is a whole frame.
      flush: constants.ZSTD_e_end,
      params: { [constants.ZSTD_c_compressionLevel]: level },
    });
    this.#stream.on('data', (bytes: Buffer) => this.#packed.push(bytes));
    // A write that fails inside zstd is not called back, and one that is cut off is called back as if it had succeeded.
    this.#stream.on('error', (error) => this.#fail(error));
    this.#stream.on('close', () => this.#fail(new Error('the packer was closed')));
  }

  /** One at a time, and what it gives holds until the next. @throws zstd's errors; after one the packer is of no use */
  pack(plain: Buffer): Promise<Buffer> {
    useRoomAgain(this.#stream);
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#stream.write(plain, (error) => {
        const packed = this.#packed;
        this.#packed = [];
        const [only] = packed;
        if (error !== null && error !== undefined) reject(error);
        else if (only === undefined) reject(new Error('zstd made nothing of a payload'));
        else resolve(packed.length > 1 ? Buffer.concat(packed) : only);
      });
    });
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** As many as libuv has threads: more would wait there. */
const PACKED_AT_ONCE = 4;
/**
 * Results that leave from the room they were packed in: as many as one connection has in hand. A packer has tables of some
 * MiB, and of many connections on a slow way each has that many results waiting: more are copied.
 */
const LENT_MAX = 3;

/** A bounded number of packers, each with its tables and room for one result, all of one level: the others' memory is let go. */
export class Packers {
  #level: number | null = null;
  #idle: Packer[] = [];
  #busy = 0;
  #lent = 0;
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /** @throws zstd's errors */
  async pack(plain: Buffer, level: number): Promise<Lent> {
    while (this.#busy >= PACKED_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busy += 1;
    try {
      return await this.#packNow(plain, level);
    } finally {
      this.#busy -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #packNow(plain: Buffer, level: number): Promise<Lent> {
    if (level !== this.#level) this.#letGo();
    this.#level = level;
    const packer = this.#take(level, plain.length);
    try {
      return this.#lend(packer, await packer.pack(plain));
    } catch (error) {
      packer.close();
      throw error;
    }
  }

  #lend(packer: Packer, bytes: Buffer): Lent {
    if (this.#lent >= LENT_MAX) {
      const copy = Buffer.from(bytes);
      this.#takeBack(packer);
      return { bytes: copy, release: () => undefined };
    }
    this.#lent += 1;
    const release = (): void => {
      this.#lent -= 1;
      this.#takeBack(packer);
    };
    return { bytes, release };
  }

  #take(level: number, plain_bytes: number): Packer {
    const idle = this.#idle.pop();
    if (idle !== undefined && idle.room_bytes >= plain_bytes) return idle;
    idle?.close();
    return new Packer(level, roomFor(plain_bytes));
  }

  #takeBack(packer: Packer): void {
    if (packer.level === this.#level && !this.#closed) this.#idle.push(packer);
    else packer.close();
  }

  /** What is being packed ends by itself. */
  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  #letGo(): void {
    for (const packer of this.#idle.splice(0)) packer.close();
  }
}
