import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isZero, LEAF_BYTES, leafOf, SMALLEST_EXTENT_BYTES, ZERO_LEAF } from '../mover/disks/extents.ts';
import { DISK_DIGEST_ALGORITHM } from '../mover/disks/leaf-table.ts';

/** Contents whose leaves are kept; the oldest goes first. Of an image of ten GiB they take 320 KiB. */
const KEPT_MAX = 128;

/** Of a file of 64 MiB. */
const LEAVES_AT_FIRST = 64;

/** Digests the extents of what is read from its beginning to its end, whatever pieces it comes in. */
export class LeafReader {
  /** One after the other: a Buffer of its own for each would take several times as much. */
  #leaves = Buffer.allocUnsafe(LEAVES_AT_FIRST * LEAF_BYTES);
  #leaves_bytes = 0;
  readonly #extent = Buffer.allocUnsafe(SMALLEST_EXTENT_BYTES);
  #filled = 0;
  #size_bytes = 0;

  update(block: Buffer): void {
    this.#size_bytes += block.length;
    let at = 0;
    while (at < block.length) {
      const piece = block.subarray(at, at + SMALLEST_EXTENT_BYTES - this.#filled);
      at += piece.length;
      // Most come whole.
      if (piece.length === SMALLEST_EXTENT_BYTES) {
        this.#note(piece);
        continue;
      }
      piece.copy(this.#extent, this.#filled);
      this.#filled += piece.length;
      if (this.#filled === SMALLEST_EXTENT_BYTES) this.#noteRest();
    }
  }

  end(): ContentLeaves {
    if (this.#filled > 0) this.#noteRest();
    return { size_bytes: this.#size_bytes, leaves: this.#leaves.subarray(0, this.#leaves_bytes) };
  }

  #noteRest(): void {
    this.#note(this.#extent.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #note(extent: Buffer): void {
    if (this.#leaves_bytes === this.#leaves.length)
      this.#leaves = Buffer.concat([this.#leaves], 2 * this.#leaves.length);
    (isZero(extent) ? ZERO_LEAF : leafOf(extent)).copy(this.#leaves, this.#leaves_bytes);
    this.#leaves_bytes += LEAF_BYTES;
  }
}

/** The leaves of a file's extents, one MiB each whatever its size. */
export interface ContentLeaves {
  readonly size_bytes: number;
  readonly leaves: Buffer;
}

/**
 * Leaves of contents that were read, by the content's sha512. A digest of a whole file says that it has changed; these say
 * where. They decide nothing: one that is lost or damaged costs that a message names no place.
 */
export class KeptLeaves {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async keep(sha512: string, { size_bytes, leaves }: ContentLeaves): Promise<void> {
    const path = join(this.#folder, sha512);
    const draft = `${path}.${randomBytes(6).toString('hex')}.part`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(draft, Buffer.concat([Buffer.from(headOf(size_bytes)), leaves]), { mode: 0o600 });
      await rename(draft, path);
      await this.#forgetOldest();
    } catch {
      // A full disk, say: nothing rests on it.
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }

  async #forgetOldest(): Promise<void> {
    const names = await readdir(this.#folder);
    if (names.length <= KEPT_MAX) return;
    const aged = await Promise.all(
      names.map(async (name) => ({ name, age: (await stat(join(this.#folder, name))).mtimeMs })),
    );
    aged.sort((one, other) => one.age - other.age);
    for (const { name } of aged.slice(0, names.length - KEPT_MAX))
      await rm(join(this.#folder, name), { force: true });
  }

  /** Where two contents differ, for people: which extents, or why nobody can say. */
  async describeDifference(expected: string, found: string): Promise<string> {
    const [before, now] = await Promise.all([this.#read(expected), this.#read(found)]);
    if (before === null || now === null)
      return 'where is not known, because only the digest of the whole file is';
    const places: number[] = [];
    const count = Math.min(before.leaves.length, now.leaves.length) / LEAF_BYTES;
    for (let index = 0; index < count; index += 1)
      if (!leafAt(before, index).equals(leafAt(now, index))) places.push(index);
    const length =
      before.size_bytes === now.size_bytes
        ? ''
        : `it was ${before.size_bytes} bytes long and is ${now.size_bytes}`;
    const [first] = places;
    if (first === undefined) return length === '' ? 'only the name of what it stands on differs' : length;
    const offset = first * SMALLEST_EXTENT_BYTES;
    const bytes = Math.min(SMALLEST_EXTENT_BYTES, now.size_bytes - offset);
    const more = places.length > 1 ? `, and ${places.length - 1} more extents do` : '';
    return `the ${bytes} bytes at offset ${offset} differ${more}${length === '' ? '' : `; ${length}`}`;
  }

  async #read(sha512: string): Promise<ContentLeaves | null> {
    let bytes: Buffer;
    try {
      bytes = await readFile(join(this.#folder, sha512));
    } catch {
      return null;
    }
    const end = bytes.indexOf(0x0a);
    const [, algorithm, size] = bytes.toString('latin1', 0, Math.max(end, 0)).split(' ');
    const size_bytes = Number(size);
    const leaves = bytes.subarray(end + 1);
    const is_whole = leaves.length === Math.ceil(size_bytes / SMALLEST_EXTENT_BYTES) * LEAF_BYTES;
    return algorithm === DISK_DIGEST_ALGORITHM && is_whole ? { size_bytes, leaves } : null;
  }
}

const headOf = (size_bytes: number): string => `leaves ${DISK_DIGEST_ALGORITHM} ${size_bytes}\n`;

const leafAt = ({ leaves }: ContentLeaves, index: number): Buffer =>
  leaves.subarray(index * LEAF_BYTES, (index + 1) * LEAF_BYTES);
