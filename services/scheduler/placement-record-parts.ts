import type { WeighedHost } from './placement/decision.ts';

/*
 * The stored form of the parts of the weights: of each weigher three columns over the ranked hosts (raw, normalised,
 * multiplier), each with one byte of kind first. `same`: one number for all hosts, as a multiplier mostly is and the
 * part of a weigher that prefers nobody; `each`: one per host. Numbers are float64: text would cost more to write
 * than the decision.
 */
const kinds = { same: 0, each: 1 } as const;
const fields = ['raw', 'normalised', 'multiplier'] as const;
const FLOAT_BYTES = 8;

type Part = WeighedHost['parts'][number];

/** @returns the bytes after which the parts read back as they were */
export function packParts(ranked: readonly WeighedHost[]): Buffer {
  const weighers = ranked[0]?.parts.length ?? 0;
  const bytes = Buffer.allocUnsafe(weighers * fields.length * (1 + ranked.length * FLOAT_BYTES));
  let at = 0;
  for (let weigher = 0; weigher < weighers; weigher += 1)
    for (const field of fields) {
      const first = numberOf(ranked[0], weigher, field);
      const kind = ranked.every((host) => Object.is(numberOf(host, weigher, field), first))
        ? kinds.same
        : kinds.each;
      bytes[at++] = kind;
      if (kind === kinds.same) at = bytes.writeDoubleLE(first, at);
      else for (const host of ranked) at = bytes.writeDoubleLE(numberOf(host, weigher, field), at);
    }
  return bytes.subarray(0, at);
}

function numberOf(host: WeighedHost | undefined, weigher: number, field: (typeof fields)[number]): number {
  return host?.parts[weigher]?.[field] ?? 0;
}

/**
 * @returns the parts of each host, and how many bytes they took
 * @throws RangeError when the bytes end too early
 */
export function unpackParts(
  bytes: Buffer,
  hosts: number,
  weighers: readonly string[],
): { readonly parts: ReadonlyArray<readonly Part[]>; readonly length: number } {
  if (hosts === 0) return { parts: [], length: 0 };
  let at = 0;
  const next = (): number => {
    at += FLOAT_BYTES;
    return bytes.readDoubleLE(at - FLOAT_BYTES);
  };
  const column = (): readonly number[] => {
    const kind = bytes.readUInt8(at++);
    return kind === kinds.each ? Array.from({ length: hosts }, next) : Array<number>(hosts).fill(next());
  };
  const columns = weighers.map((weigher) => ({
    weigher,
    raw: column(),
    normalised: column(),
    multiplier: column(),
  }));
  const parts = Array.from({ length: hosts }, (_, host) =>
    columns.map(({ weigher, raw, normalised, multiplier }) => ({
      weigher,
      raw: raw[host] ?? 0,
      normalised: normalised[host] ?? 0,
      multiplier: multiplier[host] ?? 0,
    })),
  );
  return { parts, length: at };
}
