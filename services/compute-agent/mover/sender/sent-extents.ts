import type { MigrationId } from '../../../../shared/domain/ids.ts';
import type { TransferTotals } from '../../../../shared/messaging/commands.ts';

/** Extents that were put on the wire, by the disks' names: runs of them. */
export type SentRuns = Readonly<Record<string, readonly (readonly [first: number, count: number])[]>>;

const MIGRATIONS_MAX = 256;
/** Of one disk. A sender goes through a disk in order, so there are few; beyond this the count is too low, never wrong. */
const RUNS_MAX = 4096;
/** Of all disks of a migration: a sender is told them in one line. */
const ALL_RUNS_MAX = 16_384;

interface Sent {
  readonly round: number;
  runs: number;
  totals: TransferTotals;
  readonly disks: Map<string, [first: number, count: number][]>;
}

/**
 * What senders have told of this round's extents, kept by the agent: a sender that was killed cannot tell its successor
 * what it had sent, and without that nobody would know what travels twice.
 */
export class SentExtents {
  readonly #migrations = new Map<MigrationId, Sent>();

  /** @param totals over all rounds and senders of the migration */
  note(migration: MigrationId, round: number, runs: SentRuns, totals: TransferTotals): void {
    let sent = this.#migrations.get(migration);
    // What a later round sends is new: it is not sent twice.
    if (sent?.round !== round) sent = { round, runs: 0, totals, disks: new Map() };
    sent.totals = totals;
    this.#migrations.delete(migration);
    this.#migrations.set(migration, sent);
    for (const [disk, more] of Object.entries(runs)) {
      const known = sent.disks.get(disk) ?? [];
      sent.disks.set(disk, known);
      for (const [first, count] of more) {
        const last = known.at(-1);
        if (last !== undefined && last[0] + last[1] === first) last[1] += count;
        else if (known.length < RUNS_MAX && sent.runs < ALL_RUNS_MAX) {
          known.push([first, count]);
          sent.runs += 1;
        }
      }
    }
    const [oldest] = this.#migrations.keys();
    if (this.#migrations.size > MIGRATIONS_MAX && oldest !== undefined) this.#migrations.delete(oldest);
  }

  of(migration: MigrationId): SentRuns {
    return Object.fromEntries(this.#migrations.get(migration)?.disks ?? []);
  }

  /** Over all rounds and senders so far. */
  totalsOf(migration: MigrationId): TransferTotals {
    return this.#migrations.get(migration)?.totals ?? { sent_bytes: 0, resent_bytes: 0 };
  }

  forget(migration: MigrationId): void {
    this.#migrations.delete(migration);
  }
}
