import type { OperationId } from '../../../shared/domain/ids.ts';
import type { Lost, MachineEvent } from '../migration/machine-event.ts';
import { Chooser } from './choose.ts';
import { decideAndCommit, type AfterCommit } from './decision.ts';
import type { DriveServices } from './services.ts';
import { prepared } from './statement.ts';
import { transact } from './transaction.ts';
import { Turns } from './turns.ts';
import { lockAndLoad, type LoadedOperation } from './world.ts';

/** What an event means is judged under the lock, from the rows as they are then. Null: it is of no use any more. */
export type EventOf = (loaded: LoadedOperation) => MachineEvent | null;

/**
 * The shell's one loop (design, section 6): lock the row, decide, write rows and outbox, commit, publish.
 * Everything that can happen to an operation comes through `deliver`, from whichever source and in whichever process.
 */
export class Driver {
  readonly #services: DriveServices;
  readonly #turns = new Turns();
  readonly #chooser: Chooser;
  readonly #running = new Set<Promise<unknown>>();

  constructor(services: DriveServices) {
    this.#services = services;
    this.#chooser = new Chooser(services, this.#turns);
  }

  /**
   * Delivers one event and everything that follows from it in this process: a choice of host, the start of an
   * operation that waited. Resolves when all of that is committed.
   * @returns whether the event changed anything.
   */
  async deliver(operation: OperationId, eventOf: EventOf): Promise<boolean> {
    const working = this.#deliver(operation, eventOf);
    this.#running.add(working);
    try {
      return await working;
    } finally {
      this.#running.delete(working);
    }
  }

  /** Resolves when no delivery runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #deliver(operation: OperationId, eventOf: EventOf): Promise<boolean> {
    let after: AfterCommit | null = await this.#turns.take(operation, () => this.#once(operation, eventOf));
    const changed = after?.changed ?? false;
    while (after !== null && after.choose !== null) after = await this.#chooser.choose(after.choose);
    if (after?.is_ended === true) await this.#startWaiting(operation);
    return changed;
  }

  async #once(operation: OperationId, eventOf: EventOf): Promise<AfterCommit | null> {
    return await transact(this.#services.pool, async (transaction) => {
      const loaded = await lockAndLoad(transaction, operation, this.#services.imageSource);
      if (loaded === null) {
        this.#services.log.debug({ operation }, 'an event for an operation that is not there');
        return null;
      }
      const event = eventOf(loaded);
      return event === null ? null : await decideAndCommit(this.#services, transaction, loaded, event);
    });
  }

  /** The next operation behind one that has come to rest, in the order in which they were asked for. */
  async #startWaiting(ended: OperationId): Promise<void> {
    const { rows } = await this.#services.pool.query<{ id: OperationId }>(
      prepared(
        `select w.id from operations w
         where w.state = 'waiting' and w.instance_uuid = (select instance_uuid from operations where id = $1)
         order by w.created_at limit 1`,
        [ended],
      ),
    );
    const next = rows[0];
    if (next !== undefined) await this.deliver(next.id, startOf);
  }
}

/** An operation that nobody has begun: made just now, its wake lost, or waiting behind one that has ended. */
export const startOf: EventOf = ({ world: { operation } }) =>
  operation.state === 'waiting' || (operation.state === 'running' && operation.step === null)
    ? { type: 'requested' }
    : null;

/** What a wake means for the rows as they are: begin, call back, or resume. */
export const wakeOf: EventOf = (loaded) => {
  const { operation } = loaded.world;
  if (operation.state === 'stuck' && loaded.resume_requested) {
    return { type: loaded.resume_as_resolved ? 'resolve' : 'resume' };
  }
  if (operation.state === 'running' && operation.step !== null && operation.cancel_requested) {
    return { type: 'cancel', by: 'a person' };
  }
  if (operation.state === 'running' && operation.step !== null) return { type: 'governance_changed' };
  // A waiting operation is begun by whoever ends the one before it; a wake for it comes while that one still runs.
  return operation.state === 'running' ? startOf(loaded) : null;
};

/** Whoever keeps the queue thinks that it may copy now. */
export const turnDueOf: EventOf = ({ world: { operation } }) =>
  operation.turn === 'waiting' ? { type: 'turn_due' } : null;

/** A host tells of a copy that does not stand still, or does, though its row says otherwise. */
export const lostOf =
  (again: Lost): EventOf =>
  () => ({ type: 'governance_changed', again });
