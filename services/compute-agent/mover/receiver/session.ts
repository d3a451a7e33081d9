import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskDescription } from '../../../../shared/messaging/commands.ts';
import {
  ACKNOWLEDGED_PER_FRAME,
  acknowledgedFrame,
  HOLDINGS_PER_FRAME,
  holdingsFrame,
  ProtocolError,
  readExtent,
  textFrame,
  type Begin,
  type Done,
  type ExtentAddress,
  type Finish,
  type Holding,
} from '../protocol.ts';
import { ExtentSet } from '../disks/data-map.ts';
import { DISK_BYTES_MAX, ExtentLayout, UNKNOWN_LEAF } from '../disks/extents.ts';
import { fileBytesMax, wholeBlocks } from '../../folders/space-need.ts';
import type { FrameConnection } from '../frame-connection.ts';
import { digHoles } from './dig-holes.ts';
import { DigestMismatch, onDisk } from './failures.ts';
import { heldExtents } from './held-extents.ts';
import { Journal, readJournal, type JournalRecord } from './journal.ts';
import { DiskProofs } from './proofs.ts';
import { SpaceAllowance } from './space-allowance.ts';
import { StagedDisk } from './staged-disk.ts';
import { bytesTakenBy, flushFolder, heldBy, isGrown, sameNames } from './staged-disks.ts';

/** What the agent of this host has admitted. Nothing that a sender says can widen it. */
export interface Admitted {
  readonly migration_id: string;
  readonly folder: string;
  readonly disks: readonly DiskDescription[];
  readonly journal_path: string;
  /** Blocks that the disks may take together; nothing: as many as their declared sizes. */
  readonly reserved_bytes?: number;
}

const MEBIBYTE = 1024 * 1024;
/** At least so much is flushed at once, so that flushing does not become the work. */
const CHECKPOINT_BYTES_MIN = 4 * MEBIBYTE;
/** At most so much, and at most this part of the whole, is sent again after a break. */
const CHECKPOINT_BYTES_MAX = 32 * MEBIBYTE;
const CHECKPOINT_PART = 256;
const CHECKPOINT_SECONDS = 1;
/** So often the sender hears of work that has nothing to acknowledge. */
const SIGN_MILLISECONDS = 1000;
const PROOFS_PER_WRITE = 256;
/** The peer must read what we acknowledge; one that does not is cut off before it costs memory. */
const UNREAD_BYTES_MAX = 4 * MEBIBYTE;

/** One session of one migration: files and journal, from `begin` to `done` or until the leading stream ends. */
export class ReceivingSession {
  readonly #admitted: Admitted;
  readonly #connection: FrameConnection;
  readonly #onFailure: (error: unknown) => void;
  #disks: readonly StagedDisk[] = [];
  #proofs: readonly DiskProofs[] = [];
  /** Between `done` and the next thing that comes: what is held is what the sender knows. */
  #round_is_done = false;
  /** From `finish` on, until a round begins: what comes late over a stream that was given up is not written any more. */
  #is_finishing = false;
  readonly #taking = new Set<Promise<void>>();
  #continued = false;
  /** Null: the disks cannot outgrow what was reserved. */
  #space: SpaceAllowance | null = null;
  #journal: Journal | null = null;
  #pending: JournalRecord[] = [];
  #pending_bytes = 0;
  #checkpoint_bytes = CHECKPOINT_BYTES_MAX;
  #checkpoint: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failure: unknown = null;

  /** @param onFailure hears what failed while nobody waited for it */
  constructor(admitted: Admitted, connection: FrameConnection, onFailure: (error: unknown) => void) {
    this.#admitted = admitted;
    this.#connection = connection;
    this.#onFailure = onFailure;
  }

  /** What was reserved binds every session of the migration; sizes that fit need no counting. */
  #openAllowance(begin: Begin): SpaceAllowance | null {
    const granted_bytes = this.#admitted.reserved_bytes;
    const most_bytes = begin.disks.reduce((sum, disk) => sum + wholeBlocks(disk.size_bytes), 0);
    if (granted_bytes === undefined || most_bytes <= granted_bytes) return null;
    return new SpaceAllowance({ granted_bytes, measure: () => this.#allocatedBytes() });
  }

  async #allocatedBytes(): Promise<number> {
    const { folder } = this.#admitted;
    await Promise.all(this.#disks.map((disk) => disk.settle()));
    const found = await Promise.all(this.#disks.map(({ name }) => stat(join(folder, name))));
    return found.reduce((sum, { blocks }) => sum + blocks * 512, 0);
  }

  /** Opens the files, tells what is held. @throws ProtocolError, DiskFailure */
  async begin(begin: Begin): Promise<void> {
    this.#check(begin);
    this.#space = this.#openAllowance(begin);
    const { folder, journal_path, migration_id } = this.#admitted;
    const known = await readJournal(journal_path, migration_id);
    const names = begin.disks.map(({ name }) => name);
    const continues = known !== null && sameNames(known.subject.disks, names);
    const disks: StagedDisk[] = [];
    this.#disks = disks;
    for (const { name, size_bytes } of begin.disks) {
      disks.push(await onDisk(name, () => StagedDisk.open(folder, name, size_bytes)));
    }
    const proofs: DiskProofs[] = [];
    for (const [place, staged] of disks.entries()) {
      const { count } = staged.layout;
      const held = continues ? heldExtents(known, place, staged.layout) : null;
      if (held !== null) staged.leaves = held.leaves;
      proofs.push(new DiskProofs(held?.proved ?? new ExtentSet(count, false), count));
      await onDisk(staged.name, () => (continues ? staged.markUnknown(folder) : staged.clear()));
    }
    this.#proofs = proofs;
    const subject = { migration_id, disks: begin.disks };
    this.#journal = await onDisk('', () => Journal.create(journal_path, subject, heldBy(disks, proofs)));
    const total_bytes = begin.disks.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
    const part_bytes = Math.floor(total_bytes / CHECKPOINT_PART);
    this.#checkpoint_bytes = Math.min(Math.max(part_bytes, CHECKPOINT_BYTES_MIN), CHECKPOINT_BYTES_MAX);
    await this.#tellHoldings();
  }

  /**
   * Goes on with the files and the journal as they are, if the sender knows what they hold: it has heard `done`, and
   * nothing has come since. Disks may have grown.
   * @returns false when it cannot be: then `begin` is due, as always
   * @throws ProtocolError, DiskFailure
   */
  async continueWith(begin: Begin): Promise<boolean> {
    if (begin.continues !== true || !this.#round_is_done) return false;
    this.#check(begin);
    const layouts = begin.disks.map(({ size_bytes }) => new ExtentLayout(size_bytes));
    if (!this.#disks.every(({ layout }, place) => isGrown(layout, layouts[place]))) return false;
    for (const [place, staged] of this.#disks.entries()) {
      const layout = layouts[place];
      if (layout === undefined || layout.size_bytes === staged.layout.size_bytes) continue;
      this.#proofs[place]?.grow(layout.count, staged.layout.count - 1);
      await onDisk(staged.name, () => staged.grow(layout));
    }
    this.#space ??= this.#openAllowance(begin);
    this.#continued = true;
    this.#round_is_done = false;
    this.#is_finishing = false;
    await this.#connection.write(textFrame('ready', { continued: true }));
    return true;
  }

  #check(begin: Begin): void {
    const { disks } = this.#admitted;
    if (begin.disks.length !== disks.length)
      throw new ProtocolError(`${begin.disks.length} disks, ${disks.length} admitted`);
    for (const [place, { name, size_bytes }] of begin.disks.entries()) {
      const admitted = disks[place];
      if (admitted === undefined || admitted.name !== name)
        throw new ProtocolError(`disk "${name}" is not admitted`);
      const bytes_max = Math.min(fileBytesMax(admitted), DISK_BYTES_MAX);
      if (size_bytes > bytes_max) {
        throw new ProtocolError(`disk "${name}" has ${size_bytes} bytes, ${bytes_max} are admitted`);
      }
    }
  }

  async #tellHoldings(): Promise<void> {
    for (const [disk, { leaves, layout }] of this.#disks.entries()) {
      let holdings: Holding[] = [];
      for (let index = 0; index < layout.count; index += 1) {
        if (leaves.isZero(index)) continue;
        holdings.push({ index, leaf: leaves.get(index) });
        if (holdings.length < HOLDINGS_PER_FRAME) continue;
        await this.#connection.write(holdingsFrame(disk, holdings));
        holdings = [];
      }
      if (holdings.length > 0) await this.#connection.write(holdingsFrame(disk, holdings));
    }
    await this.#connection.write(textFrame('ready', { continued: false }));
  }

  /** The longest extent of the admitted disks. */
  get extent_bytes_max(): number {
    return this.#disks.reduce((longest, { layout }) => Math.max(longest, layout.extent_bytes), 0);
  }

  /** Writes one extent's frame. @throws ProtocolError, DiskFailure */
  async take(body: Buffer): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#is_finishing) throw new ProtocolError('an extent after the end of the round');
    const taking = this.#take(body);
    this.#taking.add(taking);
    try {
      await taking;
    } finally {
      this.#taking.delete(taking);
    }
  }

  async #take(body: Buffer): Promise<void> {
    const extent = readExtent(body);
    const staged = this.#disks[extent.disk];
    if (staged === undefined) throw new ProtocolError(`there is no disk ${extent.disk}`);
    this.#round_is_done = false;
    await this.#forget(extent.disk, extent.index, staged);
    const write = () => staged.write(extent);
    const space = this.#space;
    await onDisk(staged.name, () => space?.within(bytesTakenBy(extent, staged), write) ?? write());
    this.#pending.push({ disk: extent.disk, index: extent.index, leaf: Buffer.from(extent.leaf) });
    this.#pending_bytes += staged.layout.length(extent.index);
    if (this.#pending_bytes >= this.#checkpoint_bytes) this.#startCheckpoint();
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#startCheckpoint();
    }, CHECKPOINT_SECONDS * 1000);
  }

  /** Before an extent is written over, the journal forgets it: a break in between must not leave its old leaf behind. */
  async #forget(disk: number, index: number, staged: StagedDisk): Promise<void> {
    const { leaves } = staged;
    if (index >= staged.layout.count) return;
    const proofs = this.#proofs[disk];
    const was_proved = proofs?.isProved(index) === true;
    proofs?.noteWrite(index);
    if (!was_proved && (leaves.isZero(index) || leaves.isUnknown(index))) return;
    await onDisk('', async () => this.#journal?.append([{ disk, index, leaf: UNKNOWN_LEAF }]));
  }

  /** In the background: the next extents are taken while these are flushed. */
  #startCheckpoint(): void {
    if (this.#checkpoint !== null || this.#pending.length === 0) return;
    this.#checkpoint = this.#makeDurable({ acknowledge: true })
      .catch((error: unknown) => {
        this.#failure ??= error;
        this.#onFailure(error);
      })
      .finally(() => {
        this.#checkpoint = null;
      });
  }

  async #makeDurable(options: { readonly acknowledge: boolean }): Promise<void> {
    const records = this.#pending;
    this.#pending = [];
    this.#pending_bytes = 0;
    if (records.length === 0) return;
    for (const disk of new Set(records.map((record) => record.disk))) {
      const staged = this.#disks[disk];
      if (staged !== undefined) await onDisk(staged.name, () => staged.flush());
    }
    await onDisk('', async () => this.#journal?.append(records));
    if (options.acknowledge) this.#acknowledge(records);
  }

  #acknowledge(records: readonly ExtentAddress[]): void {
    if (this.#connection.unread_bytes > UNREAD_BYTES_MAX)
      throw new ProtocolError('acknowledgements are not read');
    for (let at = 0; at === 0 || at < records.length; at += ACKNOWLEDGED_PER_FRAME) {
      const frame = acknowledgedFrame(records.slice(at, at + ACKNOWLEDGED_PER_FRAME));
      // A peer that is gone is noticed by whoever reads from it.
      this.#connection.write(frame).catch(() => undefined);
    }
  }

  /** Everything durable, holes where zeros are, and the same digests as the sender's. @throws DigestMismatch, DiskFailure */
  async finish(finish: Finish): Promise<void> {
    this.#is_finishing = true;
    await Promise.allSettled(this.#taking);
    await this.#settle();
    for (const staged of this.#disks) {
      const zeros = staged.takeZeroRuns();
      if (zeros.length === 0) continue;
      await digHoles(this.#admitted.folder, staged.name, zeros, { in_haste: this.#continued });
      await onDisk(staged.name, () => staged.flush());
    }
    for (const [place, staged] of this.#disks.entries()) {
      if (staged.leaves.root() !== finish.digests[place]) throw new DigestMismatch(staged.name);
    }
    await onDisk('', () => flushFolder(this.#admitted.folder));
    const done = finish.prove === true ? await this.#prove() : { proved_bytes: 0, prove_seconds: 0 };
    this.#round_is_done = true;
    await this.#connection.write(textFrame('done', done));
  }

  /** Reads again what this session has written, while the guest runs: the last look then has less to read. */
  async #prove(): Promise<Done> {
    const began_at = performance.now();
    let told_at = began_at;
    let proved_bytes = 0;
    for (const [disk, staged] of this.#disks.entries()) {
      const onBytes = (bytes: number): void => {
        proved_bytes += bytes;
        if (performance.now() - told_at < SIGN_MILLISECONDS) return;
        told_at = performance.now();
        // Nothing is new, but we are at work: silence would be a stall.
        this.#acknowledge([]);
      };
      await onDisk(staged.name, async () => {
        const records = this.#proofs[disk]?.prove(disk, staged, this.#admitted.folder, onBytes) ?? [];
        let batch: JournalRecord[] = [];
        for await (const record of records) {
          batch.push(record);
          if (batch.length < PROOFS_PER_WRITE) continue;
          await this.#journal?.append(batch);
          batch = [];
        }
        await this.#journal?.append(batch);
      });
    }
    return { proved_bytes, prove_seconds: (performance.now() - began_at) / 1000 };
  }

  /** Waits for a running checkpoint and makes the rest durable. */
  async #settle(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#checkpoint;
    if (this.#failure !== null) throw this.#failure;
    await this.#makeDurable({ acknowledge: false });
  }

  /** Keeps what came, for the next session, and closes the files. */
  async close(): Promise<void> {
    try {
      if (this.#failure === null) await this.#settle();
    } finally {
      if (this.#timer !== null) clearTimeout(this.#timer);
      await Promise.allSettled([...this.#disks.map((disk) => disk.close()), this.#journal?.close()]);
    }
  }
}
