import { Blake3Hasher } from '@napi-rs/blake-hash';
import { LEAF_BYTES, UNKNOWN_LEAF, ZERO_LEAF, type ExtentLayout } from './extents.ts';

/** Opens the root's input, so that it can be mistaken for no other digest. */
const ROOT_PREFIX = 'drover disk digest 3\n';
/** What a record calls the digest below. */
export const DISK_DIGEST_ALGORITHM = 'blake3-tree' as const;

/**
 * The leaves of one disk. A new table says that the disk is all zeros, as a new file is.
 *
 * The disk's digest (`blake3-tree`) is BLAKE3 over the prefix above, the size and the extent length
 * (8 bytes each, big endian), and all leaves in order. Zeros have a constant leaf: a disk of 10 GiB with half
 * a GiB of data costs half a GiB of hashing.
 */
export class LeafTable {
  readonly layout: ExtentLayout;
  readonly #leaves: Buffer;

  constructor(layout: ExtentLayout) {
    this.layout = layout;
    this.#leaves = Buffer.alloc(layout.count * LEAF_BYTES);
  }

  get(index: number): Buffer {
    return this.#leaves.subarray(index * LEAF_BYTES, (index + 1) * LEAF_BYTES);
  }

  set(index: number, leaf: Uint8Array): void {
    this.#leaves.set(leaf, index * LEAF_BYTES);
  }

  /**
   * The same content on a disk that is longer now, with extents of the same length. The extent that was the last may
   * have become longer: nobody knows its leaf any more, unless it is zeros.
   */
  grown(layout: ExtentLayout): LeafTable {
    const table = new LeafTable(layout);
    this.#leaves.copy(table.#leaves);
    const last = this.layout.count - 1;
    if (last >= 0 && this.layout.length(last) !== layout.length(last) && !this.isZero(last)) {
      table.set(last, UNKNOWN_LEAF);
    }
    return table;
  }

  isZero(index: number): boolean {
    return this.get(index).equals(ZERO_LEAF);
  }

  isUnknown(index: number): boolean {
    return this.get(index).equals(UNKNOWN_LEAF);
  }

  /** First extent whose leaf differs from the other table's; null when there is none. */
  firstDifference(other: LeafTable): number | null {
    if (this.#leaves.equals(other.#leaves)) return null;
    for (let index = 0; index < this.layout.count; index += 1) {
      if (!this.get(index).equals(other.get(index))) return index;
    }
    return null;
  }

  /** The disk's digest in lower-case hexadecimal. */
  root(): string {
    const sizes = Buffer.alloc(16);
    sizes.writeBigUInt64BE(BigInt(this.layout.size_bytes), 0);
    sizes.writeBigUInt64BE(BigInt(this.layout.extent_bytes), 8);
    return new Blake3Hasher().update(ROOT_PREFIX).update(sizes).update(this.#leaves).digest('hex');
  }
}
