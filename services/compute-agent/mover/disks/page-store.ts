import { SpillFile } from './spill-file.ts';

export const PAGE_BYTES = 32 * 1024;
/** While one page is looked at, another may be asked for. */
const FRAMES_MIN = 2;

/** Where the pages of some bytes are. A new one's are zeros. */
export class PageMap {
  /** By page: 0 when it is zeros and nowhere, n + 1 when it is in frame n, -n - 1 when it is at place n of the file. */
  places: Int32Array;

  constructor(pages: number) {
    this.places = new Int32Array(pages);
  }
}

interface Frame {
  readonly memory: Buffer;
  map: PageMap | null;
  page: number;
  /** Where it lies in the file, as it was or as it is; null: nowhere. */
  spilled: number | null;
  /** It is other than what the file has. */
  dirty: boolean;
  /** Since the hand came by. */
  used: boolean;
}

/**
 * Pages of many tables, of which a bounded number is in memory. Those that have not been used for longest (nearly: a
 * hand goes round and takes the first that was not used since it came by) are put into a file and read back when they
 * are asked for. At once, in the thread that asks: tables are gone through in order, so that a page is asked for a thousand
 * times while it is there, and what is read back mostly lies in the page cache still.
 */
export class PageStore {
  readonly #frames_max: number;
  readonly #frames: Frame[] = [];
  /** Their numbers. */
  readonly #free: number[] = [];
  readonly #file = new SpillFile(PAGE_BYTES);
  #hand = 0;
  /** Stays: whoever has it may be about to ask for one more. */
  #latest = -1;

  /** @param bytes_max of memory for pages; two pages at least */
  constructor(bytes_max: number) {
    this.#frames_max = Math.max(FRAMES_MIN, Math.floor(bytes_max / PAGE_BYTES));
  }

  /** Names the folder for what does not fit in memory. Without one that is a SpillFailure. */
  spillInto(folder: string | null): void {
    this.#file.folder = folder;
  }

  /** Taken for good: memory that is let go and taken again is there twice until somebody collects it. */
  get memory_bytes(): number {
    return this.#frames.length * PAGE_BYTES;
  }

  get resident_bytes(): number {
    return (this.#frames.length - this.#free.length) * PAGE_BYTES;
  }

  get spilled_bytes(): number {
    return this.#file.used * PAGE_BYTES;
  }

  /**
   * To be looked at. It counts until the next but one is asked for.
   * @returns null: zeros
   * @throws SpillFailure
   */
  toRead(map: PageMap, page: number): Buffer | null {
    const place = map.places[page] ?? 0;
    if (place === 0) return null;
    return this.#resident(map, page, place).memory;
  }

  /** To be written to, at once. @throws SpillFailure; then nothing has changed */
  toWrite(map: PageMap, page: number): Buffer {
    const place = map.places[page] ?? 0;
    const frame = place === 0 ? this.#blank(map, page) : this.#resident(map, page, place);
    frame.dirty = true;
    return frame.memory;
  }

  /** Forgets all pages: they are zeros. */
  clear(map: PageMap): void {
    for (const [page, place] of map.places.entries()) {
      if (place === 0) continue;
      map.places[page] = 0;
      if (place < 0) this.#file.drop(-place - 1);
      else this.#vacate(place - 1);
    }
  }

  #resident(map: PageMap, page: number, place: number): Frame {
    if (place < 0) return this.#readBack(map, page, -place - 1);
    const number = place - 1;
    const frame = this.#frameOf(number);
    frame.used = true;
    this.#latest = number;
    return frame;
  }

  #blank(map: PageMap, page: number): Frame {
    const number = this.#vacant();
    this.#frameOf(number).memory.fill(0);
    return this.#occupy(number, map, page, null);
  }

  #readBack(map: PageMap, page: number, spilled: number): Frame {
    const number = this.#vacant();
    try {
      this.#file.get(spilled, this.#frameOf(number).memory);
    } catch (error) {
      this.#free.push(number);
      throw error;
    }
    return this.#occupy(number, map, page, spilled);
  }

  #occupy(number: number, map: PageMap, page: number, spilled: number | null): Frame {
    const frame = this.#frameOf(number);
    Object.assign(frame, { map, page, spilled, dirty: false, used: true } satisfies Partial<Frame>);
    map.places[page] = number + 1;
    this.#latest = number;
    return frame;
  }

  /** @returns the number of a frame that holds nothing */
  #vacant(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#frames.length < this.#frames_max) {
      const memory = Buffer.allocUnsafeSlow(PAGE_BYTES);
      return this.#frames.push({ memory, map: null, page: 0, spilled: null, dirty: false, used: false }) - 1;
    }
    for (;;) {
      const number = this.#hand;
      this.#hand = (this.#hand + 1) % this.#frames.length;
      if (number === this.#latest) continue;
      const frame = this.#frameOf(number);
      if (frame.used) frame.used = false;
      else {
        this.#spill(frame);
        return number;
      }
    }
  }

  #spill(frame: Frame): void {
    const { map, page, memory } = frame;
    if (map === null) return;
    if (frame.dirty && memory.equals(ZERO_PAGE)) {
      if (frame.spilled !== null) this.#file.drop(frame.spilled);
      map.places[page] = 0;
    } else {
      const spilled =
        frame.dirty || frame.spilled === null ? this.#file.put(memory, frame.spilled) : frame.spilled;
      map.places[page] = -spilled - 1;
    }
    frame.map = null;
  }

  #vacate(number: number): void {
    const frame = this.#frameOf(number);
    if (frame.spilled !== null) this.#file.drop(frame.spilled);
    frame.map = null;
    frame.spilled = null;
    if (this.#latest === number) this.#latest = -1;
    this.#free.push(number);
  }

  #frameOf(number: number): Frame {
    const frame = this.#frames[number];
    if (frame === undefined) throw new RangeError(`there is no page frame ${number}`);
    return frame;
  }
}

/** What a page is that was never written to. */
export const ZERO_PAGE: Buffer = Buffer.alloc(PAGE_BYTES);
