import type { ByteRange } from '../../mover/mover.ts';
import { GUEST_BLOCK_BYTES } from './guest-writer.ts';

/** Which blocks of a disk were written since it was asked before. Counts from the first time it is asked. */
export class DirtyBlocks {
  #offsets: Set<number> | null = null;

  note(offset_bytes: number): void {
    this.#offsets?.add(offset_bytes);
  }

  /** @returns null the first time: what was written before is not known */
  take(): readonly ByteRange[] | null {
    const offsets = this.#offsets;
    this.#offsets = new Set();
    return offsets === null ? null : rangesOf([...offsets].sort((a, b) => a - b));
  }
}

/** Neighbouring blocks are one range. */
function rangesOf(offsets: readonly number[]): ByteRange[] {
  const ranges: { offset_bytes: number; length_bytes: number }[] = [];
  for (const offset_bytes of offsets) {
    const last = ranges.at(-1);
    if (last !== undefined && last.offset_bytes + last.length_bytes === offset_bytes) {
      last.length_bytes += GUEST_BLOCK_BYTES;
    } else ranges.push({ offset_bytes, length_bytes: GUEST_BLOCK_BYTES });
  }
  return ranges;
}
