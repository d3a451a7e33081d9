import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Compressor } from '../../../../services/compute-agent/mover/sender/compressor.ts';

const MIB = 1024 * 1024;
const PAYLOAD_BYTES = 256 * 1024;
const TEXT = Buffer.alloc(PAYLOAD_BYTES, 'a line of a log that looks like the one before it\n');
const NOISE = randomBytes(PAYLOAD_BYTES);

/** A thread whose processor needs this long for each payload it packs, and a link of this rate. */
class Scene {
  packing_rate: number;
  link_rate: number;
  /** How fast packed payloads seem to leave: buffers on the way take them at once. */
  packed_link_rate: number | null = null;
  #microseconds = 0;
  #reading = false;
  readonly compressor = new Compressor(() => {
    // Asked before and after each payload that is packed on the thread.
    if (this.#reading) this.#microseconds += (PAYLOAD_BYTES / this.packing_rate) * 1e6;
    this.#reading = !this.#reading;
    return this.#microseconds;
  });

  constructor(rates: { readonly packing_mib: number; readonly link_mib: number }) {
    this.packing_rate = rates.packing_mib * MIB;
    this.link_rate = rates.link_mib * MIB;
  }

  /** @returns how many of the payloads were packed */
  async send(plain: Buffer, count: number, limit_mib = 0): Promise<number> {
    let packed_count = 0;
    for (let number = 0; number < count; number += 1) {
      const packed = await this.compressor.pack(plain, limit_mib * MIB);
      const bytes = packed?.length ?? plain.length;
      const rate = packed === null ? this.link_rate : (this.packed_link_rate ?? this.link_rate);
      this.compressor.noteSent(Math.max(bytes, 4096), (Math.max(bytes, 4096) / rate) * 1000, packed !== null);
      if (packed !== null) packed_count += 1;
    }
    return packed_count;
  }
}

describe('the decision to compress', () => {
  it('packs on a link slower than packing', async () => {
    const scene = new Scene({ packing_mib: 400, link_mib: 100 });
    await scene.send(TEXT, 4);
    expect(await scene.send(TEXT, 100)).toBeGreaterThanOrEqual(99);
  });

  it('packs under a limit whatever the link could do', async () => {
    const scene = new Scene({ packing_mib: 400, link_mib: 2000 });
    await scene.send(TEXT, 4, 50);
    expect(await scene.send(TEXT, 100, 50)).toBeGreaterThanOrEqual(99);
  });

  it('sends plain what a fast link takes faster than it is packed, but for the tries', async () => {
    const scene = new Scene({ packing_mib: 400, link_mib: 2000 });
    await scene.send(TEXT, 4);
    expect(await scene.send(TEXT, 160)).toBe(10);
  });

  it.each([20, 2000])('never packs what does not shrink, on a link of %i MiB/s', async (link_mib) => {
    expect(await new Scene({ packing_mib: 400, link_mib }).send(NOISE, 200)).toBe(0);
  });

  it('goes on packing when the packed payloads seem to leave at once', async () => {
    const scene = new Scene({ packing_mib: 400, link_mib: 100 });
    scene.packed_link_rate = 100_000 * MIB;
    await scene.send(TEXT, 4);
    // One in 128 goes plain, to look at the link.
    expect(await scene.send(TEXT, 1280)).toBeGreaterThanOrEqual(1260);
  });

  it('is not switched off by single bad measurements', async () => {
    const scene = new Scene({ packing_mib: 400, link_mib: 100 });
    await scene.send(TEXT, 20);
    let packed_count = 0;
    for (let number = 0; number < 20; number += 1) {
      scene.packing_rate = (number % 2 === 0 ? 250 : 550) * MIB;
      scene.link_rate = (number % 2 === 0 ? 70 : 160) * MIB;
      packed_count += await scene.send(TEXT, 16);
    }
    expect(packed_count).toBeGreaterThanOrEqual(316);
  });

  it('notices soon that the data or the link has become another', async () => {
    const scene = new Scene({ packing_mib: 400, link_mib: 100 });
    await scene.send(NOISE, 100);
    await scene.send(TEXT, 48);
    expect(await scene.send(TEXT, 100)).toBeGreaterThanOrEqual(99);
    scene.link_rate = 5000 * MIB;
    await scene.send(TEXT, 512);
    expect(await scene.send(TEXT, 160)).toBe(10);
  });
});
