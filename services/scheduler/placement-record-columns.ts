import type { HostName } from '../../shared/domain/ids.ts';
import type { RejectionColumns, RejectionGroup, RejectionHead } from './placement/decision.ts';

/*
 * The stored form of ten thousand reasons: per considered host one number that says which group rejected it (0: none),
 * then, group by group, what its hosts had. Names are not in it: a row is a place in the list of hosts, which is stored
 * once for all decisions on the same hosts (host-lists.ts).
 *
 *   codes    per host half a byte with at most 15 groups, two bytes with at most 65,535, else four
 *   numbers  per group: one byte of kind; `scaled`: the greatest common divisor (float64), then each number divided by
 *            it as a varint, sign in the lowest bit; `floats`: float64 each
 */
const kinds = { none: 0, scaled: 1, floats: 2 } as const;
const NIBBLE_GROUPS_MAX = 15;
const SHORT_GROUPS_MAX = 65_535;
const FLOAT_BYTES = 8;
const VARINT_BYTES_MAX = 8;
/** Scaled numbers stay below this, so that their varint is exact in a JavaScript number. */
const SCALED_MAX = 2 ** 48;
/** Up to here the processor's whole numbers do. */
const SMALL_MAX = 2 ** 30;

/**
 * Where the columns are written: the room that they might take is four times what they do. Kept from one to the next,
 * because memory outside the engine's own makes its collector run early.
 */
let workspace = Buffer.alloc(0);

function roomFor(bytes: number): Buffer {
  if (workspace.length < bytes) workspace = Buffer.allocUnsafeSlow(bytes);
  return workspace;
}

/**
 * @returns the bytes after which the reasons read back as they were, in the order of the hosts within each group; to be
 *   copied before the next call, which writes over them
 */
export function packRejections({ names, heads, rows, groups, available }: RejectionColumns): Buffer {
  const width = codeWidth(heads.length);
  const code_bytes = Math.ceil(names.length * width);
  const bytes = roomFor(code_bytes + rows.length * VARINT_BYTES_MAX + heads.length * (1 + FLOAT_BYTES));
  bytes.fill(0, 0, code_bytes);
  for (let place = 0; place < rows.length; place += 1) {
    const row = rows[place] ?? 0;
    const code = (groups[place] ?? 0) + 1;
    if (width === 0.5) bytes[row >> 1] = (bytes[row >> 1] ?? 0) | (code << ((row & 1) * 4));
    else bytes.writeUIntLE(code, row * width, width);
  }
  let at = code_bytes;
  for (const numbers of byGroup(heads.length, groups, available)) {
    // As in the readable form: a group has a number for each of its hosts or for none.
    if (numbers.length === 0 || hasNone(numbers)) {
      bytes[at++] = kinds.none;
      continue;
    }
    const scale = commonDivisor(numbers);
    bytes[at++] = scale === null ? kinds.floats : kinds.scaled;
    if (scale !== null) at = bytes.writeDoubleLE(scale, at);
    // Not for-of: over typed arrays it takes three times as long, and these loops are half of what a record costs.
    for (let place = 0; place < numbers.length; place += 1) {
      const number = numbers[place] ?? 0;
      at = scale === null ? bytes.writeDoubleLE(number, at) : writeVarint(bytes, at, number / scale);
    }
  }
  return bytes.subarray(0, at);
}

/** Bytes of a host's code. Groups are many where each host has its own, as a comparison of names makes them. */
function codeWidth(groups: number): 0.5 | 2 | 4 {
  if (groups <= NIBBLE_GROUPS_MAX) return 0.5;
  return groups <= SHORT_GROUPS_MAX ? 2 : 4;
}

/** The numbers of each group side by side, in the order in which they came. */
function byGroup(count: number, groups: Uint32Array, available: Float64Array): readonly Float64Array[] {
  const ends = new Uint32Array(count);
  for (let place = 0; place < groups.length; place += 1) {
    const group = groups[place] ?? 0;
    ends[group] = (ends[group] ?? 0) + 1;
  }
  for (let group = 1; group < count; group += 1) ends[group] = (ends[group] ?? 0) + (ends[group - 1] ?? 0);
  const sorted = new Float64Array(available.length);
  const next = Uint32Array.from(ends, (_, group) => ends[group - 1] ?? 0);
  for (let place = 0; place < groups.length; place += 1) {
    const group = groups[place] ?? 0;
    const free = next[group] ?? 0;
    sorted[free] = available[place] ?? 0;
    next[group] = free + 1;
  }
  return Array.from(ends, (end, group) => sorted.subarray(ends[group - 1] ?? 0, end));
}

/** @param names the list of hosts that the rows are places in */
export function unpackRejections(
  bytes: Buffer,
  names: readonly HostName[],
  heads: readonly RejectionHead[],
): readonly RejectionGroup[] {
  const hosts: HostName[][] = heads.map(() => []);
  const width = codeWidth(heads.length);
  for (const [row, name] of names.entries()) {
    const code =
      width === 0.5 ? ((bytes[row >> 1] ?? 0) >> ((row & 1) * 4)) & 15 : bytes.readUIntLE(row * width, width);
    if (code > 0) hosts[code - 1]?.push(name);
  }
  let at = Math.ceil(names.length * width);
  return heads.flatMap((head, group): RejectionGroup[] => {
    const members = hosts[group] ?? [];
    const kind = bytes[at++];
    if (kind === kinds.none) return members.length === 0 ? [] : [{ ...head, hosts: members }];
    const availables: number[] = [];
    if (kind === kinds.scaled) {
      const scale = bytes.readDoubleLE(at);
      at += FLOAT_BYTES;
      for (let count = members.length; count > 0; count -= 1) {
        let value = 0;
        for (let factor = 1; ; factor *= 128) {
          const byte = bytes.readUInt8(at++);
          value += (byte & 127) * factor;
          if (byte < 128) break;
        }
        availables.push((value % 2 === 0 ? value / 2 : -(value + 1) / 2) * scale);
      }
    } else {
      for (let count = members.length; count > 0; count -= 1, at += FLOAT_BYTES)
        availables.push(bytes.readDoubleLE(at));
    }
    return [{ ...head, hosts: members, availables }];
  });
}

function hasNone(numbers: Float64Array): boolean {
  for (let place = 0; place < numbers.length; place += 1) if (Number.isNaN(numbers[place])) return true;
  return false;
}

function writeVarint(bytes: Buffer, start: number, number: number): number {
  let at = start;
  let left = number < 0 ? -2 * number - 1 : 2 * number;
  for (; left > SMALL_MAX; left = Math.floor(left / 128)) bytes[at++] = (left % 128) | 128;
  let small = left | 0;
  for (; small >= 128; small >>= 7) bytes[at++] = (small & 127) | 128;
  bytes[at++] = small;
  return at;
}

/** Memory comes in steps of pages or flavors: divided by its step it is a byte and not three. Null: not whole numbers. */
function commonDivisor(numbers: Float64Array): number | null {
  let divisor = 0;
  for (let place = 0; place < numbers.length; place += 1) {
    const size = Math.abs(numbers[place] ?? 0);
    if (Math.floor(size) !== size || size >= SCALED_MAX) return null;
    // Mostly it divides; below 2^48 a quotient is whole only then, and to divide is ten times faster than to take a rest.
    const quotient = size / divisor;
    if (divisor !== 0 && Math.floor(quotient) === quotient) continue;
    let [larger, smaller] = [divisor, size];
    while (smaller !== 0) [larger, smaller] = [smaller, larger % smaller];
    divisor = larger;
  }
  return divisor === 0 ? 1 : divisor;
}
