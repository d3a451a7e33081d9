import { decide } from '../migration/decide.ts';
import type { MachineEvent } from '../migration/machine-event.ts';
import type { Order, Outcome } from '../migration/outcome.ts';
import { applyChanges, lockHostsOf, needsHosts } from './apply.ts';
import { addToOutbox, commandMessage } from './command-messages.ts';
import { joinedStatements, RowChanges } from './row-changes.ts';
import type { DriveServices } from './services.ts';
import type { Transaction } from './transaction.ts';
import { askForTurn } from './transfer-turns.ts';
import { askForTurns, type JoiningTransfer } from './turns-together.ts';
import type { LoadedOperation } from './world.ts';

/** What is left to do when a decision has been committed. */
export interface AfterCommit {
  /** False: the event did not fit, nothing was written. */
  readonly changed: boolean;
  readonly choose: ChooseTask | null;
  /** The operation came to rest: one that waits behind it may start. */
  readonly is_ended: boolean;
  readonly has_commands: boolean;
}

/** A choice that this process must make; still valid as long as the row has this fencing number and attempt. */
export interface ChooseTask {
  readonly operation_id: LoadedOperation['world']['operation']['id'];
  readonly ignore_hosts: Extract<Order, { type: 'choose' }>['ignore_hosts'];
  readonly fencing: number;
  readonly attempt: number;
}

const nothing: AfterCommit = { changed: false, choose: null, is_ended: false, has_commands: false };

/**
 * The middle of the loop: decide, write rows and outbox with one statement, commit. The operation is locked.
 *
 * Whoever decides takes the lease: timers and stamps are the last driver's. The fencing number rises with each change
 * of driver, so that an order of a former one, still on its way, is refused by hosts that have seen a newer one.
 * @param earlier statements of this transaction that were sent and not yet waited for.
 */
export async function decideAndCommit(
  services: DriveServices,
  transaction: Transaction,
  loaded: LoadedOperation,
  event: MachineEvent,
  earlier: ReadonlyArray<Promise<unknown>> = [],
): Promise<AfterCommit> {
  const { operation } = loaded.world;
  const outcome = await decideWithTurn(services, transaction, loaded, event);
  if (event.type === 'governance_changed' && operation.turn === 'waiting') services.turnsChanged();
  if (outcome.changes.length === 0 && outcome.orders.length === 0 && event.type !== 'lease_expired') {
    logOf(services, loaded).debug({ event: event.type }, outcome.note);
    return nothing;
  }
  await lockHostsOf(transaction, loaded, outcome.changes);
  const gathered = gather(services, transaction, { loaded, event, outcome });
  await transaction.finish([...earlier, ...gathered.sent, transaction.query(gathered.rows.statement())]);
  // Who joined a queue may be the first that can begin: of those before it, or because a turn was given back just now.
  if (joinsQueue(outcome) || leavesQueue(loaded, outcome)) services.turnsChanged();
  return committed(services, gathered);
}

/** A decision of the machine that needs no lock but its operation's own. */
export interface FreeDecision {
  readonly loaded: LoadedOperation;
  readonly event: MachineEvent;
  readonly outcome: Outcome;
}

/** Whether it has, waits for or may have to leave a turn to copy: then it is decided alone, which knows all of that. */
export function hasTurn({ world: { operation } }: LoadedOperation): boolean {
  return operation.turn !== null || operation.paused;
}

/**
 * Decides for several operations, none of which `hasTurn`, without writing.
 * @returns beside `events`; null: one of them would touch rows of hosts, and each is to be decided alone
 */
export async function decideTogether(
  services: DriveServices,
  transaction: Transaction,
  events: ReadonlyArray<Omit<FreeDecision, 'outcome'>>,
): Promise<FreeDecision[] | null> {
  const { settings } = services;
  const first = events.map(({ loaded, event }) => decide(loaded.world, event, settings));
  const joining = events.flatMap(({ loaded: { world, priority } }, place): JoiningTransfer[] => {
    const asked = first[place]?.orders.find((order) => order.type === 'turn');
    return asked === undefined
      ? []
      : [{ operation_id: world.operation.id, transfer: asked.transfer, priority }];
  });
  const answers = await askForTurns(transaction, joining, settings.transfer_limits);
  const answer_of = new Map(joining.map(({ operation_id }, place) => [operation_id, answers[place]]));
  const decisions = events.map(({ loaded, event }, place): FreeDecision => {
    const turn_answer = answer_of.get(loaded.world.operation.id);
    const outcome =
      turn_answer === undefined ? undefined : decide({ ...loaded.world, turn_answer }, event, settings);
    return { loaded, event, outcome: outcome ?? first[place] ?? decide(loaded.world, event, settings) };
  });
  return decisions.some(({ outcome }) => needsHosts(outcome.changes)) ? null : decisions;
}

/** Writes the rows and messages of several decisions and commits them together. @returns beside `decisions` */
export async function commitTogether(
  services: DriveServices,
  transaction: Transaction,
  decisions: readonly FreeDecision[],
  earlier: ReadonlyArray<Promise<unknown>>,
): Promise<AfterCommit[]> {
  const all = decisions.map((decision) => gather(services, transaction, decision));
  const statements = joinedStatements(all.map(({ rows }) => rows));
  await transaction.finish([
    ...earlier,
    ...all.flatMap(({ sent }) => sent),
    ...statements.map((statement) => transaction.query(statement)),
  ]);
  // As above.
  if (decisions.some(({ outcome }) => joinsQueue(outcome))) services.turnsChanged();
  return all.map((gathered) => committed(services, gathered));
}

interface Gathered extends FreeDecision {
  readonly rows: RowChanges;
  readonly sent: ReadonlyArray<Promise<unknown>>;
  readonly fencing: number;
  readonly has_commands: boolean;
}

/** All that a decision writes; most of it still to be sent. */
function gather(services: DriveServices, transaction: Transaction, decision: FreeDecision): Gathered {
  const { loaded, outcome } = decision;
  const { operation, instance } = loaded.world;
  const fencing = loaded.lease_owner === services.scheduler_id ? loaded.fencing : loaded.fencing + 1;
  const rows = new RowChanges({
    operation: operation.id,
    instance: instance.id,
    migration: operation.migration_id,
  });
  rows.set('operations', { lease_owner: services.scheduler_id, fencing });
  const lease = rows.add(services.lease_seconds, 'double precision');
  rows.setExpression(
    'operations',
    'lease_expires_at',
    `now() + make_interval(secs => ${lease}::double precision)`,
  );
  if (loaded.resume_requested) {
    rows.setExpression('operations', 'resume_requested_at', 'null');
    rows.setExpression('operations', 'resume_as_resolved', 'false');
  }
  const sent = applyChanges(transaction, loaded, outcome.changes, rows);
  const commands = outcome.orders.filter((order) => order.type === 'command');
  addToOutbox(
    rows,
    commands.map((order) => commandMessage(loaded.world, order, fencing)),
  );
  return { ...decision, rows, sent, fencing, has_commands: commands.length > 0 };
}

/** What follows from a decision that is committed. */
function committed(services: DriveServices, gathered: Gathered): AfterCommit {
  const { loaded, event, outcome, fencing, has_commands } = gathered;
  if (has_commands) services.wakeOutbox();
  const { kind } = loaded.world.operation;
  logOf(services, loaded).info({ kind, event: event.type, fencing }, outcome.note);
  return {
    changed: true,
    choose: chooseTask(loaded, outcome.orders, outcome.changes, fencing),
    is_ended: outcome.changes.some(
      (change) =>
        change.type === 'operation' && (change.set.state === 'done' || change.set.state === 'unwound'),
    ),
    has_commands,
  };
}

function logOf(services: DriveServices, { world: { operation } }: LoadedOperation): DriveServices['log'] {
  return services.log.child({ request_id: operation.request_id, operation: operation.id });
}

/**
 * Decides, and once more when that depends on whether a copy may begin: only now is it known that it matters, and of
 * which hosts. It costs one question to the database and no transaction of its own.
 */
async function decideWithTurn(
  services: DriveServices,
  transaction: Transaction,
  loaded: LoadedOperation,
  event: MachineEvent,
): Promise<Outcome> {
  const { world, priority } = loaded;
  const { settings } = services;
  const outcome = decide(world, event, settings);
  const asked = outcome.orders.find((order) => order.type === 'turn');
  if (asked === undefined) return outcome;
  const { id, turn } = world.operation;
  const request = {
    operation_id: id,
    transfer: asked.transfer,
    priority,
    is_waiting: turn === 'waiting',
  };
  const turn_answer = await askForTurn(transaction, request, settings.transfer_limits);
  return decide({ ...world, turn_answer }, event, settings);
}

function joinsQueue(outcome: Outcome): boolean {
  return outcome.changes.some((change) => change.type === 'operation' && change.set.turn === 'waiting');
}

/** It copies no more, or was perhaps offered the turn that another could have. */
function leavesQueue(loaded: LoadedOperation, outcome: Outcome): boolean {
  return (
    loaded.world.operation.turn !== null &&
    outcome.changes.some((change) => change.type === 'operation' && change.set.turn === null)
  );
}

function chooseTask(
  loaded: LoadedOperation,
  orders: readonly Order[],
  changes: ReturnType<typeof decide>['changes'],
  fencing: number,
): ChooseTask | null {
  const order = orders.find((candidate) => candidate.type === 'choose');
  if (order?.type !== 'choose') return null;
  const { operation } = loaded.world;
  const patch = changes.find((change) => change.type === 'operation');
  const attempt = patch?.type === 'operation' ? patch.set.attempt : undefined;
  return {
    operation_id: operation.id,
    ignore_hosts: order.ignore_hosts,
    fencing,
    attempt: attempt ?? operation.attempt,
  };
}
