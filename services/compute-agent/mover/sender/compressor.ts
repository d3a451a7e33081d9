import { constants, zstdCompress, zstdCompressSync } from 'node:zlib';

/** Shorter payloads are not worth the call. */
const WORTH_PACKING_BYTES = 4 * 1024;
const LEVEL = 1;
/** One payload in so many is tried: what packing costs and gains is measured again, whether it is done or not. */
const TRY_EVERY = 16;
/** While payloads are packed, one in so many goes plain: only those show how fast the link is. */
const PLAIN_EVERY = 128;
/** A packed payload must be smaller than this part of the plain one. */
const WORTH_RATIO = 0.9;
/** Weight of the newest measurement in the running means. */
const NEWEST_WEIGHT = 0.2;
/** The same for a try, which comes seldom: what the data has become must show soon. */
const TRY_WEIGHT = 0.5;
/** What packing must gain before it is begun; it goes on while it gains anything: measurements waver. */
const GAIN_MIN = 1.15;

/** Processor time of this thread in microseconds. */
export type ThreadClock = () => number;

const threadMicroseconds: ThreadClock = () => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

/**
 * Decides for each payload whether zstd makes it arrive earlier. Packing and sending overlap, so the transfer
 * goes at the pace of the slower of them: packing pays while that pace is higher than the bare link's.
 *
 * What packing costs is measured in processor time, not by the wall clock: on a machine with other work the wall
 * clock shows that work, which slows the cipher of what goes plain just as much. Only a payload packed on this
 * very thread can be measured so; those are few, and the rest is packed on threads of the pool.
 */
export class Compressor {
  readonly #clock: ThreadClock;
  #packing_rate: number | null = null;
  #ratio: number | null = null;
  #link_rate: number | null = null;
  /** The first payload is tried. */
  #since_try = TRY_EVERY;
  #since_plain = 0;
  #packs = false;

  constructor(clock: ThreadClock = threadMicroseconds) {
    this.#clock = clock;
  }

  /** @returns the packed payload; null when it is better sent as it is */
  async pack(plain: Buffer, limit_bytes_per_second: number): Promise<Buffer | null> {
    if (plain.length < WORTH_PACKING_BYTES) return null;
    this.#packs = this.#pays(limit_bytes_per_second);
    this.#since_try += 1;
    this.#since_plain += 1;
    if (this.#since_try >= TRY_EVERY) return smaller(this.#try(plain), plain);
    if (!this.#packs || this.#since_plain >= PLAIN_EVERY) {
      this.#since_plain = 0;
      return null;
    }
    const packed = await zstd(plain);
    this.#ratio = mean(this.#ratio, packed.length / plain.length, NEWEST_WEIGHT);
    return smaller(packed, plain);
  }

  /** Tells how fast the link took what was sent. */
  noteSent(bytes: number, milliseconds: number, packed: boolean): void {
    if (bytes < WORTH_PACKING_BYTES) return;
    const rate = rateOf(bytes, milliseconds);
    // Small payloads vanish in the buffers on the way: they never show that a link is fast, only that it is slow.
    if (packed && (this.#link_rate === null || rate >= this.#link_rate)) return;
    this.#link_rate = mean(this.#link_rate, rate, NEWEST_WEIGHT);
  }

  #try(plain: Buffer): Buffer {
    this.#since_try = 0;
    const started_at = this.#clock();
    const packed = zstdCompressSync(plain, OPTIONS);
    const milliseconds = (this.#clock() - started_at) / 1000;
    this.#packing_rate = mean(this.#packing_rate, rateOf(plain.length, milliseconds), TRY_WEIGHT);
    this.#ratio = mean(this.#ratio, packed.length / plain.length, TRY_WEIGHT);
    return packed;
  }

  #pays(limit_bytes_per_second: number): boolean {
    if (this.#packing_rate === null || this.#ratio === null) return false;
    const link_rate = Math.min(this.#link_rate ?? Infinity, limit_bytes_per_second || Infinity);
    if (link_rate === Infinity) return false;
    const packed_pace = Math.min(this.#packing_rate, link_rate / this.#ratio);
    return packed_pace > link_rate * (this.#packs ? 1 : GAIN_MIN);
  }
}

const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } };

const smaller = (packed: Buffer, plain: Buffer): Buffer | null =>
  packed.length < plain.length * WORTH_RATIO ? packed : null;

const rateOf = (bytes: number, milliseconds: number): number => bytes / (Math.max(milliseconds, 0.01) / 1000);

const mean = (old: number | null, newest: number, weight: number): number =>
  old === null ? newest : old * (1 - weight) + newest * weight;

function zstd(plain: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zstdCompress(plain, OPTIONS, (error, packed) => {
      if (error === null) resolve(packed);
      else reject(error);
    });
  });
}
