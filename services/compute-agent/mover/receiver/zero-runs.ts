import { ExtentSet } from '../disks/extent-set.ts';

/** Of a file; zeros, and nothing else, were written there by us. */
export interface ZeroRun {
  readonly offset: number;
  readonly length: number;
}

/** Runs that are shorter than an extent: a sender chooses how many it makes, and an extent may have 129. */
const SHORT_RUNS_MAX = 4096;

/**
 * Where zeros were written in a file and a hole would do, by extents. Memory is bounded: of extents that are nothing but
 * zeros a bit is kept, of all other runs the longest.
 */
export class ZeroRuns {
  #whole: ExtentSet;
  #count: number;
  readonly #short = new Map<number, readonly ZeroRun[]>();
  #short_count = 0;

  /** @param count of the disk's extents */
  constructor(count: number) {
    this.#whole = new ExtentSet(count, false);
    this.#count = count;
  }

  /** The disk has so many extents now. */
  grow(count: number): void {
    this.#whole = this.#whole.grown(count);
    this.#count = count;
  }

  /** Zeros lie there, all over the extent. */
  addWhole(index: number): void {
    this.forget(index);
    this.#whole.add(index);
  }

  /** Zeros lie there; other runs of the extent are forgotten. */
  add(index: number, runs: readonly ZeroRun[]): void {
    this.forget(index);
    if (runs.length === 0) return;
    this.#short.set(index, runs);
    this.#short_count += runs.length;
    if (this.#short_count > SHORT_RUNS_MAX) this.#dropShortest();
  }

  /** Data may come there. */
  forget(index: number): void {
    this.#whole.delete(index);
    this.#short_count -= this.#short.get(index)?.length ?? 0;
    this.#short.delete(index);
  }

  /** One half stays, so that this is not done for each that comes. */
  #dropShortest(): void {
    const kept = new Set(longest([...this.#short.values()].flat(), SHORT_RUNS_MAX / 2));
    this.#short_count = kept.size;
    for (const [index, runs] of this.#short) {
      const left = runs.filter((run) => kept.has(run));
      if (left.length > 0) this.#short.set(index, left);
      else this.#short.delete(index);
    }
  }

  /**
   * Forgets all, and tells the longest, neighbours as one.
   * @param most so many
   * @param extent a run as long as this extent, at its place
   */
  take(most: number, extent: (index: number) => ZeroRun): readonly ZeroRun[] {
    let found: ZeroRun[] = [];
    let open: { offset: number; length: number } | null = null;
    for (let index = 0; index < this.#count; index += 1) {
      const runs = this.#whole.has(index) ? [extent(index)] : (this.#short.get(index) ?? []);
      for (const { offset, length } of runs) {
        if (open !== null && open.offset + open.length === offset) open.length += length;
        else found.push((open = { offset, length }));
      }
      // The last one may become longer, so it stays whatever its length is.
      if (found.length > 2 * most + 1) found = [...longest(found.slice(0, -1), most), ...found.slice(-1)];
    }
    this.#whole = new ExtentSet(this.#count, false);
    this.#short.clear();
    this.#short_count = 0;
    return longest(found, most);
  }
}

const longest = (runs: readonly ZeroRun[], most: number): ZeroRun[] =>
  runs.toSorted((a, b) => b.length - a.length).slice(0, most);
