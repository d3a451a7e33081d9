import { LEAF_BYTES, ZERO_LEAF } from './extents.ts';
import { PAGE_BYTES, PageMap, PageStore, ZERO_PAGE } from './page-store.ts';

/**
 * What all leaves of a process may take. A mover may take 200 MiB, whatever it moves; without leaves a copy has taken up to
 * 150, with the longest extents. A disk that is full fits up to 512 GiB with both its tables.
 */
const LEAVES_BYTES_MAX = 32 * 1024 * 1024;
const LEAVES_PER_PAGE = PAGE_BYTES / LEAF_BYTES;

/** The pages of all leaves of this process. */
export const leaf_pages: PageStore = new PageStore(LEAVES_BYTES_MAX);

/**
 * Any number of leaves, zeros at first, in bounded memory: pages of zeros take none, and of the others those that do not
 * fit are in a file. Whoever makes one closes it.
 */
export class PagedLeaves {
  readonly count: number;
  readonly #store: PageStore;
  #map: PageMap;
  #closed = false;

  constructor(count: number, store: PageStore = leaf_pages) {
    this.count = count;
    this.#store = store;
    this.#map = new PageMap(Math.ceil(count / LEAVES_PER_PAGE));
  }

  /** A copy: it stays what it is, whatever is set. @throws SpillFailure */
  get(index: number): Buffer {
    const page = this.#store.toRead(this.#map, Math.floor(index / LEAVES_PER_PAGE));
    if (page === null) return ZERO_LEAF;
    const leaf = Buffer.allocUnsafe(LEAF_BYTES);
    const at = (index % LEAVES_PER_PAGE) * LEAF_BYTES;
    // Of so few bytes a call of the system's would be most of the work, here and below.
    for (let byte = 0; byte < LEAF_BYTES; byte += 1) leaf[byte] = page[at + byte] ?? 0;
    return leaf;
  }

  /** Whether it is this one: costs less than to get it. @throws SpillFailure */
  holds(index: number, leaf: Uint8Array): boolean {
    const page = this.#store.toRead(this.#map, Math.floor(index / LEAVES_PER_PAGE));
    if (page === null) return ZERO_LEAF.equals(leaf);
    const at = (index % LEAVES_PER_PAGE) * LEAF_BYTES;
    for (let byte = 0; byte < LEAF_BYTES; byte += 1) if (page[at + byte] !== leaf[byte]) return false;
    return true;
  }

  /** Nothing, when it is closed: what comes late is not worth remembering. @throws SpillFailure */
  set(index: number, leaf: Uint8Array): void {
    if (index < 0 || index >= this.count) throw new RangeError(`there is no leaf ${index} of ${this.count}`);
    if (this.#closed) return;
    const page = Math.floor(index / LEAVES_PER_PAGE);
    if (this.#map.places[page] === 0 && ZERO_LEAF.equals(leaf)) return;
    this.#store.toWrite(this.#map, page).set(leaf, (index % LEAVES_PER_PAGE) * LEAF_BYTES);
  }

  /** All of them, one after the other, in pieces; each counts until the next one is asked for. @throws SpillFailure */
  *inOrder(): Generator<Buffer> {
    for (let page = 0; page * LEAVES_PER_PAGE < this.count; page += 1) {
      const leaves = Math.min(LEAVES_PER_PAGE, this.count - page * LEAVES_PER_PAGE);
      yield (this.#store.toRead(this.#map, page) ?? ZERO_PAGE).subarray(0, leaves * LEAF_BYTES);
    }
  }

  /** First that is another one than that of as many others; null when there is none. @throws SpillFailure */
  firstDifference(others: PagedLeaves): number | null {
    for (const page of this.#map.places.keys()) {
      const here = this.#store.toRead(this.#map, page) ?? ZERO_PAGE;
      const there = others.#store.toRead(others.#map, page) ?? ZERO_PAGE;
      if (here === there || here.equals(there)) continue;
      let at = 0;
      while (here.compare(there, at, at + LEAF_BYTES, at, at + LEAF_BYTES) === 0) at += LEAF_BYTES;
      return page * LEAVES_PER_PAGE + at / LEAF_BYTES;
    }
    return null;
  }

  /** The same, and more of zeros behind them. These are closed: nothing is copied. */
  grown(count: number): PagedLeaves {
    if (count < this.count) throw new RangeError(`${count} leaves are fewer than ${this.count}`);
    const grown = new PagedLeaves(count, this.#store);
    const { places } = this.#map;
    const map = this.#map;
    this.#map = new PageMap(places.length);
    this.#closed = true;
    grown.#map.places.set(places);
    map.places = grown.#map.places;
    grown.#map = map;
    return grown;
  }

  /** Gives all memory back: they are zeros from now on. */
  close(): void {
    this.#closed = true;
    this.#store.clear(this.#map);
  }
}
