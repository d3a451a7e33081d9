import type { HostName } from '../../../shared/domain/ids.ts';
import type { ImageUpload, InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type { Instance, Migration, Operation, OperationFacts, TurnAnswer, World } from './model.ts';
import type { Change, InstancePatch, MigrationPatch, OperationPatch, Order, Outcome } from './outcome.ts';

/**
 * The world while one event is being decided: rows as they will be, and the list of changes that make them so.
 * Several steps may be passed in one decision (a scheduler's step has no answer to wait for), and a later one must
 * see what an earlier one wrote.
 */
export class Draft implements World {
  operation: Operation;
  instance: Instance;
  migration: Migration | null;
  readonly spec: InstanceSpec;
  readonly upload?: ImageUpload;
  readonly turn_answer?: TurnAnswer;
  readonly #changes: Change[] = [];
  readonly #orders: Order[] = [];
  readonly #notes: string[] = [];

  constructor(world: World) {
    this.operation = world.operation;
    this.instance = world.instance;
    this.migration = world.migration;
    this.spec = world.spec;
    if (world.upload !== undefined) this.upload = world.upload;
    if (world.turn_answer !== undefined) this.turn_answer = world.turn_answer;
  }

  setOperation(set: OperationPatch): void {
    const { deadline_seconds: _deadline, turn_tag: _tag, ...columns } = set;
    this.operation = { ...this.operation, ...columns };
    this.push({ type: 'operation', set });
  }

  /** It copies no more, or will not. One that has only waited does not count as served: its place is gone with it. */
  giveTurnBack(): void {
    const { turn } = this.operation;
    if (turn !== null) this.setOperation({ turn: null, ...(turn === 'waiting' ? { turn_tag: null } : {}) });
  }

  addFacts(facts: OperationFacts): void {
    this.setOperation({ facts: { ...this.operation.facts, ...facts } });
  }

  setInstance(set: InstancePatch): void {
    const { launched: _launched, progress: _progress, ...columns } = set;
    this.instance = { ...this.instance, ...columns };
    this.push({ type: 'instance', set });
  }

  /** Does nothing for operations that are no move. */
  setMigration(set: MigrationPatch): void {
    if (this.migration === null) return;
    this.migration = {
      ...this.migration,
      ...(set.status === undefined ? {} : { status: set.status }),
      ...(set.target_host === undefined ? {} : { target_host: set.target_host }),
      ...(set.target_node === undefined ? {} : { target_node: set.target_node }),
      ...(set.was_running === undefined ? {} : { was_running: set.was_running }),
    };
    this.push({ type: 'migration', set });
  }

  push(change: Change): void {
    this.#changes.push(change);
  }

  order(order: Order): void {
    this.#orders.push(order);
  }

  /** One entry of the step log, which is also the note for the process log. */
  log(entry: {
    step: string;
    direction: 'action' | 'undo';
    event: string;
    host?: HostName;
    summary?: string;
  }): void {
    this.push({
      type: 'step_log',
      step: entry.step,
      direction: entry.direction,
      attempt: this.operation.attempt,
      event: entry.event,
      host: entry.host ?? null,
      summary: entry.summary ?? null,
    });
    const words = [entry.direction === 'undo' ? 'undo' : null, entry.step, entry.event];
    this.#notes.push(
      words.filter((word) => word !== null).join(' ') + (entry.summary ? ` (${entry.summary})` : ''),
    );
  }

  note(sentence: string): void {
    this.#notes.push(sentence);
  }

  outcome(): Outcome {
    return { changes: mergeNeighbours(this.#changes), orders: this.#orders, note: this.#notes.join('; ') };
  }
}

/** Joins all patches of one row into its first: the shell then writes each row once per decision. */
function mergeNeighbours(changes: readonly Change[]): Change[] {
  const merged: Change[] = [];
  const firstAt = new Map<Change['type'], number>();
  for (const change of changes) {
    if (change.type !== 'operation' && change.type !== 'instance' && change.type !== 'migration') {
      merged.push(change);
      continue;
    }
    const at = firstAt.get(change.type);
    const first = at === undefined ? undefined : merged[at];
    if (at === undefined || first === undefined) {
      firstAt.set(change.type, merged.length);
      merged.push(change);
    } else {
      merged[at] = { ...first, set: { ...('set' in first ? first.set : {}), ...change.set } } as Change;
    }
  }
  return merged;
}
