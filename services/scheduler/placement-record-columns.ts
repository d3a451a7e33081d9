import type { HostName } from '../../shared/domain/ids.ts';
import type { RejectionColumns, RejectionGroup, RejectionHead } from './placement/model.ts';

/*
 * The stored form of ten thousand reasons: per considered host one number that says which group rejected it (0: none),
 * then, group by group, what its hosts had. Names are not in it: a row is a place in the list of hosts, which is stored
 * once for all decisions on the same hosts (host-lists.ts).
 *
 *   codes    half a byte per host with at most 15 groups, two bytes otherwise
 *   numbers  per group: one byte of kind; `scaled`: the greatest common divisor (float64), then each number divided by
 *            it as a varint, sign in the lowest bit; `floats`: float64 each
 */
const kinds = { none: 0, scaled: 1, floats: 2 } as const;
const NIBBLE_GROUPS_MAX = 15;
const FLOAT_BYTES = 8;
const VARINT_BYTES_MAX = 8;
/** Scaled numbers stay below this, so that their varint is exact in a JavaScript number. */
const SCALED_MAX = 2 ** 48;

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
  const codes = new Uint16Array(names.length);
  const numbers: number[][] = heads.map(() => []);
  const counts = new Uint32Array(heads.length);
  for (let place = 0; place < rows.length; place += 1) {
    const group = groups[place] ?? 0;
    const number = available[place] ?? Number.NaN;
    codes[rows[place] ?? 0] = group + 1;
    counts[group] = (counts[group] ?? 0) + 1;
    if (!Number.isNaN(number)) numbers[group]?.push(number);
  }
  const nibbles = heads.length <= NIBBLE_GROUPS_MAX;
  const code_bytes = nibbles ? Math.ceil(names.length / 2) : names.length * 2;
  const room = code_bytes + rows.length * VARINT_BYTES_MAX + heads.length * (1 + FLOAT_BYTES);
  const bytes = roomFor(room);
  let at = 0;
  if (nibbles) {
    for (let row = 0; row < codes.length; row += 2)
      bytes[at++] = (codes[row] ?? 0) | ((codes[row + 1] ?? 0) << 4);
  } else for (const code of codes) at = bytes.writeUInt16LE(code, at);
  for (const [group, found] of numbers.entries()) {
    // As in the readable form: a group has a number for each of its hosts or for none.
    if (found.length === 0 || found.length !== counts[group]) {
      bytes[at++] = kinds.none;
      continue;
    }
    const scale = commonDivisor(found);
    bytes[at++] = scale === null ? kinds.floats : kinds.scaled;
    if (scale === null) for (const number of found) at = bytes.writeDoubleLE(number, at);
    else {
      at = bytes.writeDoubleLE(scale, at);
      for (const number of found) at = writeVarint(bytes, at, number / scale);
    }
  }
  return bytes.subarray(0, at);
}

/** @param names the list of hosts that the rows are places in */
export function unpackRejections(
  bytes: Buffer,
  names: readonly HostName[],
  heads: readonly RejectionHead[],
): readonly RejectionGroup[] {
  const hosts: HostName[][] = heads.map(() => []);
  const nibbles = heads.length <= NIBBLE_GROUPS_MAX;
  for (const [row, name] of names.entries()) {
    const code = nibbles ? ((bytes[row >> 1] ?? 0) >> ((row & 1) * 4)) & 15 : bytes.readUInt16LE(row * 2);
    if (code > 0) hosts[code - 1]?.push(name);
  }
  let at = nibbles ? Math.ceil(names.length / 2) : names.length * 2;
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

function writeVarint(bytes: Buffer, start: number, number: number): number {
  let at = start;
  let left = number < 0 ? -2 * number - 1 : 2 * number;
  while (left >= 128) {
    bytes[at++] = (left % 128) | 128;
    left = Math.floor(left / 128);
  }
  bytes[at++] = left;
  return at;
}

/** Memory comes in steps of pages or flavors: divided by its step it is a byte and not three. Null: not whole numbers. */
function commonDivisor(numbers: readonly number[]): number | null {
  let divisor = 0;
  for (const number of numbers) {
    if (!Number.isInteger(number) || Math.abs(number) >= SCALED_MAX) return null;
    let [larger, smaller] = [divisor, Math.abs(number)];
    if (divisor !== 0 && smaller % divisor === 0) continue;
    while (smaller !== 0) [larger, smaller] = [smaller, larger % smaller];
    divisor = larger;
  }
  return divisor === 0 ? 1 : divisor;
}
