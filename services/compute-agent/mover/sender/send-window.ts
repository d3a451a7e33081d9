import type { ExtentAddress } from '../protocol.ts';

interface UnderWay extends ExtentAddress {
  readonly stream: number;
  readonly bytes: number;
}

/** Addresses as keys: there are at most 64 disks, and an index has 32 bits. */
const keyOf = ({ disk, index }: ExtentAddress): number => disk * 2 ** 32 + index;

/**
 * What was put on the wire and is not durable on the other side yet. Bounded: a break costs no more than this, and
 * the receiver's disk may lag behind by no more.
 */
export class SendWindow {
  readonly #bytes_max: number;
  readonly #under_way = new Map<number, UnderWay>();
  #bytes = 0;
  readonly #waiting: (() => void)[] = [];
  #failure: { readonly error: unknown } | null = null;

  constructor(bytes_max: number) {
    this.#bytes_max = bytes_max;
  }

  /** Waits for room for so many bytes; what is longer than the window goes alone. @throws what `fail` was told */
  async room(bytes: number): Promise<void> {
    while (this.#failure === null && this.#bytes > 0 && this.#bytes + bytes > this.#bytes_max) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.check();
  }

  /** @throws what `fail` was told */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  add(address: ExtentAddress, stream: number, bytes: number): void {
    this.#remove(address);
    this.#under_way.set(keyOf(address), { disk: address.disk, index: address.index, stream, bytes });
    this.#bytes += bytes;
  }

  /** What is acknowledged twice, or was given up, changes nothing. */
  acknowledge(addresses: readonly ExtentAddress[]): void {
    for (const address of addresses) this.#remove(address);
    this.#wake();
  }

  /** What a stream that broke has sent, as far as it was not acknowledged. */
  lose(stream: number): readonly ExtentAddress[] {
    const lost = [...this.#under_way.values()].filter((extent) => extent.stream === stream);
    this.acknowledge(lost);
    return lost;
  }

  /** Nothing will be acknowledged any more: whoever waits hears of it. The first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  #remove(address: ExtentAddress): void {
    const known = this.#under_way.get(keyOf(address));
    if (known === undefined) return;
    this.#under_way.delete(keyOf(address));
    this.#bytes -= known.bytes;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
