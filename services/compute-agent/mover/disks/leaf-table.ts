import { Blake3Hasher } from '@napi-rs/blake-hash';
import { UNKNOWN_LEAF, ZERO_LEAF, type ExtentLayout } from './extents.ts';
import { PagedLeaves } from './paged-leaves.ts';

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
 *
 * A table takes bounded memory, together with all others (disks/paged-leaves.ts): each of its calls may throw a
 * SpillFailure. Whoever makes one closes it.
 */
export class LeafTable {
  readonly layout: ExtentLayout;
  readonly #leaves: PagedLeaves;

  constructor(layout: ExtentLayout, leaves: PagedLeaves = new PagedLeaves(layout.count)) {
    this.layout = layout;
    this.#leaves = leaves;
  }

  /** A copy: it stays what it is, whatever is set. */
  get(index: number): Buffer {
    return this.#leaves.get(index);
  }

  /** Whether an extent has this leaf. */
  holds(index: number, leaf: Uint8Array): boolean {
    return this.#leaves.holds(index, leaf);
  }

  set(index: number, leaf: Uint8Array): void {
    this.#leaves.set(index, leaf);
  }

  /**
   * The same content on a disk that is longer now, with extents of the same length. The extent that was the last may
   * have become longer: nobody knows its leaf any more, unless it is zeros. This table is closed.
   */
  grown(layout: ExtentLayout): LeafTable {
    const table = new LeafTable(layout, this.#leaves.grown(layout.count));
    const last = this.layout.count - 1;
    if (last >= 0 && this.layout.length(last) !== layout.length(last) && !table.isZero(last)) {
      table.set(last, UNKNOWN_LEAF);
    }
    return table;
  }

  isZero(index: number): boolean {
    return this.#leaves.holds(index, ZERO_LEAF);
  }

  isUnknown(index: number): boolean {
    return this.#leaves.holds(index, UNKNOWN_LEAF);
  }

  /** First extent whose leaf differs from that in a table of as many; null when there is none. */
  firstDifference(other: LeafTable): number | null {
    return this.#leaves.firstDifference(other.#leaves);
  }

  /** Gives its memory back. From now on it says that the disk is all zeros, and takes nothing. */
  close(): void {
    this.#leaves.close();
  }

  /** The disk's digest in lower-case hexadecimal. */
  root(): string {
    const sizes = Buffer.alloc(16);
    sizes.writeBigUInt64BE(BigInt(this.layout.size_bytes), 0);
    sizes.writeBigUInt64BE(BigInt(this.layout.extent_bytes), 8);
    const root = new Blake3Hasher().update(ROOT_PREFIX).update(sizes);
    for (const leaves of this.#leaves.inOrder()) root.update(leaves);
    return root.digest('hex');
  }
}
