/**
 * The space that was reserved for a migration's disks. What would go beyond it is refused before it is written: the
 * sender's word about how full its disks are binds it.
 *
 * Counting what comes in would count a block twice that is written twice, so the count is only an upper bound; when it
 * reaches the reservation, the files are asked how many blocks they have. For that nothing else may be written, so
 * writers take turns from then on.
 */
export class SpaceAllowance {
  readonly #granted_bytes: number;
  readonly #measure: () => Promise<number>;
  /** At least as much as the files have. */
  #used_bytes: number | null = null;
  readonly #writing = new Set<Promise<unknown>>();
  #turn: Promise<unknown> = Promise.resolve();
  #turns = 0;

  /** @param options.measure bytes that the files have on the disk now */
  constructor(options: { readonly granted_bytes: number; readonly measure: () => Promise<number> }) {
    this.#granted_bytes = options.granted_bytes;
    this.#measure = options.measure;
  }

  /**
   * Does a write that takes at most so many bytes of disk.
   * @throws SpaceUsedUp instead of doing it; whatever the write throws
   */
  async within<Result>(bytes: number, write: () => Promise<Result>): Promise<Result> {
    if (this.#turns === 0 && this.#used_bytes !== null && this.#used_bytes + bytes <= this.#granted_bytes) {
      this.#used_bytes += bytes;
      return this.#noted(write());
    }
    this.#turns += 1;
    const turn = this.#turn.then(async () => {
      await Promise.allSettled(this.#writing);
      const used_bytes = await this.#measure();
      this.#used_bytes = used_bytes;
      if (used_bytes + bytes > this.#granted_bytes)
        throw new SpaceUsedUp(this.#granted_bytes, used_bytes, bytes);
      this.#used_bytes += bytes;
      // Begun within the turn, awaited outside: the next one in turn waits for it.
      return { written: this.#noted(write()) };
    });
    this.#turn = turn.catch(() => undefined);
    try {
      return await (
        await turn
      ).written;
    } finally {
      this.#turns -= 1;
    }
  }

  async #noted<Result>(written: Promise<Result>): Promise<Result> {
    this.#writing.add(written);
    try {
      return await written;
    } finally {
      this.#writing.delete(written);
    }
  }
}

/** Has the code of a full quota: that is what it is to the sender. */
export class SpaceUsedUp extends Error {
  override readonly name = 'SpaceUsedUp';
  readonly code = 'EDQUOT';

  constructor(granted_bytes: number, used_bytes: number, asked_bytes: number) {
    super(
      `${granted_bytes} bytes were reserved for the disks of this migration, ${used_bytes} of them are used, ` +
        `and ${asked_bytes} more came. The guest wrote more since its disks were looked at: migrate again, or set ` +
        `[mover] reserve_headroom_percent of the target higher`,
    );
  }
}
