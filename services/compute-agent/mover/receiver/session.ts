import { wholeBlocks } from '../../folders/space-need.ts';
import { ExtentLayout } from '../disks/extents.ts';
import type { CpuShare } from '../cpu-share.ts';
import type { FrameConnection } from '../frame-connection.ts';
import {
  ACKNOWLEDGED_PER_FRAME,
  acknowledgedFrame,
  holdingsFrame,
  ProtocolError,
  readExtent,
  textFrame,
  type Begin,
  type Done,
  type ExtentAddress,
  type Finish,
} from '../protocol.ts';
import { checkBegin, type Admitted } from './admitted.ts';
import { Checkpoints } from './checkpoints.ts';
import { digZeros } from './dig-holes.ts';
import { DigestMismatch, onDisk } from './failures.ts';
import { noteHeld, nothingHeld } from './held-extents.ts';
import { Journal } from './journal.ts';
import { DiskProofs, proveAll } from './proofs.ts';
import { signsOfLife } from './signs-of-life.ts';
import { SpaceAllowance } from './space-allowance.ts';
import { StagedDisk } from './staged-disk.ts';
import {
  allocatedBytes,
  bytesTakenBy,
  flushFolder,
  heldBy,
  holdingsFrames,
  isContinued,
  isGrown,
} from './staged-disks.ts';
import { readTrustedJournal } from './trusted-journal.ts';
import { Unpackers } from './unpackers.ts';

/** The peer must read what we acknowledge; one that does not is cut off before it costs memory. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

export interface SessionOptions {
  readonly cpu: CpuShare;
  /** Hears what failed while nobody waited for it. */
  readonly onFailure: (error: unknown) => void;
}

/** One session of one migration: files and journal, from `begin` to `done` or until the leading stream ends. */
export class ReceivingSession {
  readonly #admitted: Admitted;
  readonly #connection: FrameConnection;
  readonly #options: SessionOptions;
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
  readonly #unpackers = new Unpackers();
  #checkpoints: Checkpoints | null = null;

  constructor(admitted: Admitted, connection: FrameConnection, options: SessionOptions) {
    this.#admitted = admitted;
    this.#connection = connection;
    this.#options = options;
  }

  /** What was reserved binds every session of the migration; sizes that fit need no counting. */
  #openAllowance(begin: Begin): SpaceAllowance | null {
    const granted_bytes = this.#admitted.reserved_bytes;
    const most_bytes = begin.disks.reduce((sum, disk) => sum + wholeBlocks(disk.size_bytes), 0);
    if (granted_bytes === undefined || most_bytes <= granted_bytes) return null;
    const measure = () => allocatedBytes(this.#admitted.folder, this.#disks);
    return new SpaceAllowance({ granted_bytes, measure });
  }

  /** Opens the files, tells what is held. @throws ProtocolError, DiskFailure */
  async begin(begin: Begin): Promise<void> {
    checkBegin(begin, this.#admitted);
    this.#space = this.#openAllowance(begin);
    const { folder, journal_path, migration_id } = this.#admitted;
    // Disks that are slow to be opened are no silence.
    const onWork = signsOfLife(() => this.#tellAlive());
    const trust = { folder, journal_path, migration_id, disks: begin.disks };
    const known = await onDisk('', () => readTrustedJournal(trust, onWork));
    const disks: StagedDisk[] = [];
    this.#disks = disks;
    for (const disk of begin.disks) {
      disks.push(await onDisk(disk.name, () => StagedDisk.open(folder, disk, this.#unpackers)));
      onWork();
    }
    // An extent is not durable whose file's name is not; a receiver that died may have made the file and come no further.
    await onDisk('', () => flushFolder(folder));
    const goes_on = new Set(disks.filter((staged) => isContinued(staged, known)));
    const held = disks.map(({ leaves }) => nothingHeld(leaves));
    if (known !== null) {
      const noted = known.subject.disks.map(({ name }) => {
        const place = disks.findIndex((staged) => staged.name === name && goes_on.has(staged));
        return held[place] ?? null;
      });
      await noteHeld(known, noted, onWork);
    }
    const proofs = held.map(({ leaves, proved }) => new DiskProofs(proved, leaves.layout.count));
    this.#proofs = proofs;
    const subject = { migration_id, disks: begin.disks };
    // Before anything is cleared: no journal may say of a disk what it has no more.
    const journal = await onDisk('', () =>
      Journal.create(journal_path, subject, heldBy(disks, proofs), onWork),
    );
    this.#journal = journal;
    for (const staged of disks) {
      await onDisk(staged.name, () =>
        goes_on.has(staged) ? staged.markUnknown(folder, onWork) : staged.clear(),
      );
      onWork();
    }
    this.#checkpoints = new Checkpoints({
      journal,
      disks,
      total_bytes: begin.disks.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
      onDurable: (extents) => this.#acknowledge(extents),
      onFailure: this.#options.onFailure,
    });
    for (const frame of holdingsFrames(disks)) await this.#connection.write(frame);
    await this.#connection.write(textFrame('ready', { continued: false }));
  }

  /**
   * Goes on with the files and the journal as they are, if the sender knows what they hold: it has heard `done`, and
   * nothing has come since. Disks may have grown.
   * @returns false when it cannot be: then `begin` is due, as always
   * @throws ProtocolError, DiskFailure
   */
  async continueWith(begin: Begin): Promise<boolean> {
    if (begin.continues !== true || !this.#round_is_done) return false;
    checkBegin(begin, this.#admitted);
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

  /** Work goes on that has nothing to say yet. Until extents can come, the sender expects holdings. */
  #tellAlive(): void {
    if (this.#checkpoints !== null) return this.#acknowledge([]);
    this.#connection.write(holdingsFrame(0, [])).catch(() => undefined);
  }

  /** The longest extent of the admitted disks. */
  get extent_bytes_max(): number {
    return this.#disks.reduce((longest, { layout }) => Math.max(longest, layout.extent_bytes), 0);
  }

  /** Writes one extent's frame. @throws ProtocolError, DiskFailure */
  async take(body: Buffer): Promise<void> {
    this.#checkpoints?.check();
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
    await this.#options.cpu.turn();
    const extent = readExtent(body);
    const staged = this.#disks[extent.disk];
    if (staged === undefined) throw new ProtocolError(`there is no disk ${extent.disk}`);
    this.#round_is_done = false;
    await this.#forget(extent, staged);
    const write = () => staged.write(extent);
    const space = this.#space;
    await onDisk(staged.name, () => space?.within(bytesTakenBy(extent, staged), write) ?? write());
    const { disk, index, leaf } = extent;
    this.#checkpoints?.note({ disk, index, leaf: Buffer.from(leaf) }, staged.layout.length(index));
  }

  async #forget(address: ExtentAddress, { leaves, layout }: StagedDisk): Promise<void> {
    const { disk, index } = address;
    if (index >= layout.count) return;
    const proofs = this.#proofs[disk];
    const was_proved = proofs?.isProved(index) === true;
    proofs?.noteWrite(index);
    const is_known = was_proved || !(leaves.isZero(index) || leaves.isUnknown(index));
    await this.#checkpoints?.forget({ disk, index }, is_known);
  }

  #acknowledge(extents: readonly ExtentAddress[]): void {
    if (this.#connection.unread_bytes > UNREAD_BYTES_MAX)
      throw new ProtocolError('acknowledgements are not read');
    for (let at = 0; at === 0 || at < extents.length; at += ACKNOWLEDGED_PER_FRAME) {
      const frame = acknowledgedFrame(extents.slice(at, at + ACKNOWLEDGED_PER_FRAME));
      // A peer that is gone is noticed by whoever reads from it.
      this.#connection.write(frame).catch(() => undefined);
    }
  }

  /** Everything durable, holes where zeros are, and the same digests as the sender's. @throws DigestMismatch, DiskFailure */
  async finish(finish: Finish): Promise<void> {
    this.#is_finishing = true;
    await Promise.allSettled(this.#taking);
    await this.#checkpoints?.settle();
    const onDug = signsOfLife(() => this.#acknowledge([]));
    await digZeros(this.#disks, { folder: this.#admitted.folder, in_haste: this.#continued, onDug });
    for (const [place, staged] of this.#disks.entries()) {
      if (staged.leaves.root() !== finish.digests[place]) throw new DigestMismatch(staged.name);
    }
    const done = finish.prove === true ? await this.#prove() : { proved_bytes: 0, prove_seconds: 0 };
    this.#round_is_done = true;
    await this.#connection.write(textFrame('done', done));
  }

  /** Reads again what this session has written, while the guest runs: the last look then has less to read. */
  async #prove(): Promise<Done> {
    const journal = this.#journal;
    const began_at = performance.now();
    const onWork = signsOfLife(() => this.#acknowledge([]));
    let proved_bytes = 0;
    const onBytes = (bytes: number): void => {
      proved_bytes += bytes;
      onWork();
    };
    if (journal !== null) {
      await proveAll(this.#disks, this.#proofs, {
        folder: this.#admitted.folder,
        journal,
        onBytes,
        cpu: this.#options.cpu,
      });
    }
    return { proved_bytes, prove_seconds: (performance.now() - began_at) / 1000 };
  }

  /** Keeps what came, for the next session, and closes the files. */
  async close(): Promise<void> {
    try {
      if (this.#checkpoints?.failed === false) await this.#checkpoints.settle();
    } finally {
      this.#checkpoints?.stop();
      this.#unpackers.close();
      await Promise.allSettled([...this.#disks.map((disk) => disk.close()), this.#journal?.close()]);
    }
  }
}
