/**
 * The core's only source of chance: a sequence that follows from a text, usually the request id, so that a
 * decision can be made again from its record. Not for secrets.
 */
export interface Random {
  /** The next number of the sequence, 0 ≤ x < 1. */
  next(): number;
  /** A whole number, 0 ≤ x < limit. */
  below(limit: number): number;
}

const fnvOffset = 0x81_1c_9d_c5;
const fnvPrime = 0x01_00_01_93;

/** A sequence that is the same for the same seed, on every machine. */
export function seededRandom(seed: string): Random {
  // FNV-1a spreads the text over 32 bits; the counter below then walks them with an odd step and mixes each value.
  let state = fnvOffset;
  for (let index = 0; index < seed.length; index += 1) {
    state = Math.imul(state ^ seed.charCodeAt(index), fnvPrime);
  }
  const next = (): number => {
    state = (state + 0x9e_37_79_b9) | 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85_eb_ca_6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2_b2_ae_35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
  return { next, below: (limit) => Math.floor(next() * limit) };
}

/** The first `count` places of a random order of `0 … length - 1`; all of them when `count` is left out. */
export function shuffledPlaces(length: number, random: Random, count: number = length): Uint32Array {
  const places = new Uint32Array(length);
  for (let index = 0; index < length; index += 1) places[index] = index;
  for (let index = 0; index < Math.min(count, length - 1); index += 1) {
    const other = index + random.below(length - index);
    const kept = places[index] ?? 0;
    places[index] = places[other] ?? 0;
    places[other] = kept;
  }
  return places.subarray(0, Math.min(count, length));
}
