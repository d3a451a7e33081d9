import { constants, zstdCompress } from 'node:zlib';
import { IdleCores } from './idle-cores.ts';

/** Shorter payloads are not worth the call. */
const WORTH_PACKING_BYTES = 4 * 1024;
const LEVEL = 1;
/** While compression does not pay, one payload in so many is tried, to notice when it does. */
const TRY_EVERY = 32;
/** A packed payload must be smaller than this part of the plain one. */
const WORTH_RATIO = 0.9;
/** Weight of the newest measurement in the running means. */
const NEWEST_WEIGHT = 0.2;
/** What packing must gain before it is done: measurements waver. */
const GAIN_MIN = 1.15;

/** What packs, and how busy it is; tests bring their own. */
export interface CompressorHost {
  now_milliseconds(): number;
  pack(plain: Buffer): Promise<Buffer>;
  /** How many cores this process may use. */
  readonly cores: number;
  /** How many of the host's have nothing to do now. */
  idleCores(): number;
}

/** @param cores how many this process may use */
export function thisHost(cores: number): CompressorHost {
  const idle_cores = new IdleCores();
  return { now_milliseconds: () => performance.now(), pack: zstd, cores, idleCores: () => idle_cores.now() };
}

/** So many payloads may be packed at the same time, where there are cores for it. */
const PACKED_AT_ONCE = 2;

/**
 * Decides for each payload whether zstd makes it arrive earlier. Packing and sending overlap, so the transfer
 * goes at the pace of the slower of them: packing pays while that pace is higher than the bare link's. One payload is
 * packed at the rate that was measured, beside as many others as were packed meanwhile; what idle cores add to that, as
 * far as they may be used, is not seen before it is tried.
 */
export class Compressor {
  #packing_rate: number | null = null;
  /** Payloads that are being packed now, and that were while the rate was measured. */
  #packing = 0;
  #packed_at_once = 1;
  #ratio: number | null = null;
  #link_rate: number | null = null;
  /** The first payload is tried. */
  #since_try = TRY_EVERY;
  readonly #host: CompressorHost;

  constructor(host: CompressorHost) {
    this.#host = host;
  }

  /** @returns the packed payload; null when it is better sent as it is */
  async pack(plain: Buffer, limit_bytes_per_second: number): Promise<Buffer | null> {
    if (plain.length < WORTH_PACKING_BYTES) return null;
    if (!this.#pays(limit_bytes_per_second)) {
      this.#since_try += 1;
      if (this.#since_try < TRY_EVERY) return null;
    }
    this.#since_try = 0;
    const started_at = this.#host.now_milliseconds();
    this.#packing += 1;
    const at_once = this.#packing;
    const packed = await this.#host.pack(plain).finally(() => (this.#packing -= 1));
    const passed_milliseconds = this.#host.now_milliseconds() - started_at;
    this.#packing_rate = mean(this.#packing_rate, rateOf(plain.length, passed_milliseconds));
    // Whoever began alone was joined by who began later, if anybody did.
    this.#packed_at_once = mean(this.#packed_at_once, Math.max(at_once, this.#packing + 1));
    this.#ratio = mean(this.#ratio, packed.length / plain.length);
    return packed.length < plain.length * WORTH_RATIO ? packed : null;
  }

  /** Tells how fast the link took what was sent. */
  noteSent(bytes: number, milliseconds: number): void {
    if (bytes >= WORTH_PACKING_BYTES) this.#link_rate = mean(this.#link_rate, rateOf(bytes, milliseconds));
  }

  #pays(limit_bytes_per_second: number): boolean {
    if (this.#packing_rate === null || this.#ratio === null) return false;
    const link_rate = Math.min(this.#link_rate ?? Infinity, limit_bytes_per_second || Infinity);
    if (link_rate === Infinity) return false;
    const packed_pace = Math.min(this.#packing_rate * this.#atOnce(), link_rate / this.#ratio);
    return packed_pace > link_rate * GAIN_MIN;
  }

  /** Cores that our own packing keeps busy are not idle, and count all the same. */
  #atOnce(): number {
    const most = Math.min(this.#host.cores, PACKED_AT_ONCE);
    return most <= 1 ? 1 : Math.min(Math.max(this.#packed_at_once, 1 + this.#host.idleCores()), most);
  }
}

const rateOf = (bytes: number, milliseconds: number): number => bytes / (Math.max(milliseconds, 0.01) / 1000);

const mean = (old: number | null, newest: number): number =>
  old === null ? newest : old * (1 - NEWEST_WEIGHT) + newest * NEWEST_WEIGHT;

function zstd(plain: Buffer): Promise<Buffer> {
  const options = {
    // Room for all of it: by default Node goes to another thread and back for every 16 KiB that come out.
    chunkSize: plain.length,
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  };
  return new Promise((resolve, reject) => {
    zstdCompress(plain, options, (error, packed) => {
      if (error === null) resolve(packed);
      else reject(error);
    });
  });
}
