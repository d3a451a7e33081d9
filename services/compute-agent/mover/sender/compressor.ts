import type { Lent } from '../zlib-room.ts';
import { Packers } from './packers.ts';
import { PackingJudge, WORTH_RATIO } from './packing-judge.ts';
import { levelAt, PLAIN, TRIED, type PackingStep } from './packing-levels.ts';

/** Shorter payloads are not worth the call. */
const WORTH_PACKING_BYTES = 4 * 1024;
/** While nothing is packed, one payload in so many is, to notice when the disk's content allows it. */
const TRY_EVERY = 32;

/** What packs, and when; tests bring their own. */
export interface CompressorHost {
  now_milliseconds(): number;
  pack(plain: Buffer, level: number): Promise<Lent>;
  close(): void;
}

function thisHost(): CompressorHost {
  const packers = new Packers();
  return {
    now_milliseconds: () => performance.now(),
    pack: (plain, level) => packers.pack(plain, level),
    close: () => packers.close(),
  };
}

/** A payload as it is to be sent. */
export interface Payload extends Lent {
  readonly is_packed: boolean;
  /** Told again when it was put on the wire. */
  readonly step: PackingStep;
}

/** Packs payloads as hard as makes them arrive earliest. Where nothing gets shorter it costs a try in 32. */
export class Compressor {
  readonly #judge = new PackingJudge();
  readonly #host: CompressorHost;
  /** The first payload is tried. */
  #since_try = TRY_EVERY;

  constructor(host: CompressorHost = thisHost()) {
    this.#host = host;
  }

  async pack(plain: Buffer): Promise<Payload> {
    const { step } = this.#judge;
    const as_it_is = { bytes: plain, release: () => undefined, is_packed: false, step };
    if (plain.length < WORTH_PACKING_BYTES) return as_it_is;
    if (step === PLAIN) {
      this.#since_try += 1;
      if (this.#since_try < TRY_EVERY) return as_it_is;
      this.#since_try = 0;
    }
    const level = levelAt(step) ?? levelAt(TRIED);
    if (level === null) return as_it_is;
    const packed = await this.#host.pack(plain, level);
    const ratio = packed.bytes.length / plain.length;
    this.#judge.noteRatio(step, ratio);
    if (ratio < WORTH_RATIO) return { ...packed, is_packed: true, step };
    packed.release();
    return as_it_is;
  }

  /** The link has taken a payload that was so long before. */
  notePut(step: PackingStep, plain_bytes: number): void {
    if (plain_bytes >= WORTH_PACKING_BYTES)
      this.#judge.notePut(step, plain_bytes, this.#host.now_milliseconds());
  }

  /** After a time in which nothing was sent, and that says nothing about the link. */
  restart(): void {
    this.#judge.restart();
  }
  /** Another limit holds from now on. */
  forget(): void {
    this.#judge.forget();
  }

  /** Lets its memory go, but for what was lent. */
  close(): void {
    this.#host.close();
  }
}
