/** Of a set's bits: 16,384 extents. */
const PIECE_BYTES = 2048;
const PIECE_EXTENTS = PIECE_BYTES * 8;
const NONE: Buffer = Buffer.alloc(PIECE_BYTES);
const ALL: Buffer = Buffer.alloc(PIECE_BYTES, 0xff);

/**
 * Some of a disk's extents: one bit each, but where there are none or all of many neighbours next to nothing. A disk is
 * gone through in order, so most sets are that nearly everywhere: a disk of 1 TiB has several, and a move has many disks.
 */
export class ExtentSet {
  readonly #count: number;
  /** `NONE` and `ALL` are everybody's, and not written to. */
  readonly #pieces: Buffer[];
  /** Members by piece. */
  readonly #members: Uint16Array;

  constructor(count: number, filled: boolean) {
    this.#count = count;
    const pieces = Math.ceil(count / PIECE_EXTENTS);
    this.#pieces = Array.from({ length: pieces }, () => NONE);
    this.#members = new Uint16Array(pieces);
    if (filled) this.#fill();
  }

  #fill(): void {
    const whole = Math.floor(this.#count / PIECE_EXTENTS);
    this.#pieces.fill(ALL, 0, whole);
    this.#members.fill(PIECE_EXTENTS, 0, whole);
    for (let index = whole * PIECE_EXTENTS; index < this.#count; index += 1) this.add(index);
  }

  has(index: number): boolean {
    const piece = this.#pieces[Math.floor(index / PIECE_EXTENTS)] ?? NONE;
    return ((piece[(index % PIECE_EXTENTS) >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  add(index: number): void {
    if (index < this.#count && !this.has(index)) this.#turn(index, 1);
  }

  delete(index: number): void {
    if (this.has(index)) this.#turn(index, -1);
  }

  #turn(index: number, more: 1 | -1): void {
    const place = Math.floor(index / PIECE_EXTENTS);
    const members = (this.#members[place] ?? 0) + more;
    this.#members[place] = members;
    if (members === 0) this.#pieces[place] = NONE;
    else if (members === PIECE_EXTENTS) this.#pieces[place] = ALL;
    else {
      const piece = this.#own(place);
      const byte = (index % PIECE_EXTENTS) >> 3;
      piece[byte] = (piece[byte] ?? 0) ^ (1 << (index & 7));
    }
  }

  #own(place: number): Buffer {
    const piece = this.#pieces[place] ?? NONE;
    if (piece !== NONE && piece !== ALL) return piece;
    return (this.#pieces[place] = copyOf(piece));
  }

  /**
   * Those that are not in the other one, as runs; and makes the other one, of as many extents, equal.
   * @param runs_max about so many, the rest is for the next time
   */
  takeNew(other: ExtentSet, runs_max = Infinity): [first: number, count: number][] {
    const runs: [number, number][] = [];
    for (const [place, piece] of this.#pieces.entries()) {
      if (piece === other.#pieces[place] || other.#pieces[place]?.equals(piece) === true) continue;
      for (const [byte, bits] of piece.entries()) {
        if (other.#pieces[place]?.[byte] === bits) continue;
        if (runs.length >= runs_max) return runs;
        const first = place * PIECE_EXTENTS + byte * 8;
        for (let index = first; index < first + 8; index += 1) this.#tell(index, other, runs);
      }
    }
    return runs;
  }

  #tell(index: number, other: ExtentSet, runs: [number, number][]): void {
    if (!this.has(index)) return other.delete(index);
    if (other.has(index)) return;
    other.add(index);
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === index) last[1] += 1;
    else runs.push([index, 1]);
  }

  /** For a disk of so many extents now: those that are new are not in it. */
  grown(count: number): ExtentSet {
    const set = new ExtentSet(count, false);
    for (const [place, piece] of this.#pieces.entries()) {
      set.#pieces[place] = piece === NONE || piece === ALL ? piece : copyOf(piece);
    }
    set.#members.set(this.#members);
    return set;
  }
}

/** In memory of its own: a part of what is shared with others would keep all of that. */
function copyOf(piece: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(PIECE_BYTES);
  piece.copy(copy);
  return copy;
}
