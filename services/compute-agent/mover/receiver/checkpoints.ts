import { UNKNOWN_LEAF } from '../disks/extents.ts';
import type { ExtentAddress } from '../protocol.ts';
import { onDisk } from './failures.ts';
import type { Journal, JournalRecord } from './journal.ts';

const MEBIBYTE = 1024 * 1024;
/** At least so much is flushed at once, so that flushing does not become the work. */
const CHECKPOINT_BYTES_MIN = 4 * MEBIBYTE;
/** At most so much, and at most this part of the whole, is sent again after a break. */
const CHECKPOINT_BYTES_MAX = 32 * MEBIBYTE;
const CHECKPOINT_PART = 256;
const CHECKPOINT_SECONDS = 1;

/** A disk as far as it can be flushed. */
export interface FlushedDisk {
  readonly name: string;
  flush(): Promise<void>;
}

export interface CheckpointsOptions {
  readonly journal: Journal;
  readonly disks: readonly FlushedDisk[];
  /** Of all disks: how much is flushed at once depends on it. */
  readonly total_bytes: number;
  /** Hears of extents that survive a power cut now. */
  readonly onDurable: (extents: readonly ExtentAddress[]) => void;
  /** Hears what failed while nobody waited for it. */
  readonly onFailure: (error: unknown) => void;
}

interface Written extends JournalRecord {
  readonly bytes: number;
}

/** Addresses as keys: there are at most 64 disks, and an index has 32 bits. */
const keyOf = ({ disk, index }: ExtentAddress): number => disk * 2 ** 32 + index;

/**
 * Makes durable what was written, and only then says so: first the disks are flushed, then the journal has it and is
 * flushed (some 4 ms, once per checkpoint), then the sender hears of it. In the background: the next extents are taken
 * meanwhile.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #bytes_max: number;
  /** Written, and in no checkpoint yet. */
  #pending = new Map<number, Written>();
  /** Those of the checkpoint that is under way. */
  #flushing = new Map<number, Written>();
  #pending_bytes = 0;
  #checkpoint: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    const part_bytes = Math.floor(options.total_bytes / CHECKPOINT_PART);
    this.#bytes_max = Math.min(Math.max(part_bytes, CHECKPOINT_BYTES_MIN), CHECKPOINT_BYTES_MAX);
  }

  /** @throws what a checkpoint in the background failed with */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** An extent was handed to its disk. @param bytes its length */
  note(record: JournalRecord, bytes: number): void {
    this.#dropPending(keyOf(record));
    this.#pending.set(keyOf(record), { ...record, bytes });
    this.#pending_bytes += bytes;
    if (this.#pending_bytes >= this.#bytes_max) this.#start();
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#start();
    }, CHECKPOINT_SECONDS * 1000);
  }

  /**
   * Before an extent is written over: neither the journal nor a checkpoint that is under way may say afterwards that it
   * has its old leaf, or a break in between would leave that behind.
   * @param is_known the journal may have a leaf of it
   * @throws DiskFailure
   */
  async forget(address: ExtentAddress, is_known: boolean): Promise<void> {
    const { disk, index } = address;
    this.#dropPending(keyOf(address));
    this.#flushing.delete(keyOf(address));
    if (!is_known) return;
    // The journal keeps the order: what a checkpoint has handed to it already comes before this.
    await onDisk('', () => this.#options.journal.append([{ disk, index, leaf: UNKNOWN_LEAF }]));
  }

  #dropPending(key: number): void {
    this.#pending_bytes -= this.#pending.get(key)?.bytes ?? 0;
    this.#pending.delete(key);
  }

  #start(): void {
    if (this.#checkpoint !== null || this.#pending.size === 0) return;
    this.#checkpoint = this.#makeDurable({ tell: true })
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#options.onFailure(error);
      })
      .finally(() => {
        this.#checkpoint = null;
      });
  }

  async #makeDurable(options: { readonly tell: boolean }): Promise<void> {
    const { disks, journal, onDurable } = this.#options;
    const flushing = this.#pending;
    this.#flushing = flushing;
    this.#pending = new Map();
    this.#pending_bytes = 0;
    if (flushing.size === 0) return;
    for (const disk of new Set([...flushing.values()].map((record) => record.disk))) {
      const flushed = disks[disk];
      if (flushed !== undefined) await onDisk(flushed.name, () => flushed.flush());
    }
    // Less what was written over meanwhile.
    await onDisk('', () => journal.append(flushing.values()));
    // What is written over meanwhile is not told: it is taken out of these.
    await onDisk('', () => journal.flush());
    if (options.tell) onDurable([...flushing.values()]);
    flushing.clear();
  }

  /** Waits for a running checkpoint and makes the rest durable, untold. @throws DiskFailure */
  async settle(): Promise<void> {
    this.stop();
    await this.#checkpoint;
    this.check();
    await this.#makeDurable({ tell: false });
  }

  /** No more checkpoints by the clock. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  get failed(): boolean {
    return this.#failure !== null;
  }
}
