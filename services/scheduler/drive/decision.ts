import { decide } from '../migration/decide.ts';
import type { MachineEvent, Order, Outcome } from '../migration/model.ts';
import { applyChanges, lockHostsOf } from './apply.ts';
import { addToOutbox, commandMessage } from './command-messages.ts';
import { RowChanges } from './row-changes.ts';
import type { DriveServices } from './services.ts';
import type { Transaction } from './transaction.ts';
import { askForTurn } from './transfer-turns.ts';
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
  const { world } = loaded;
  const { operation } = world;
  const { outcome, others_wait } = await decideWithTurn(services, transaction, loaded, event);
  if (event.type === 'governance_changed' && operation.turn === 'waiting') services.turnsChanged();
  const log = services.log.child({ request_id: operation.request_id, operation: operation.id });
  if (outcome.changes.length === 0 && outcome.orders.length === 0 && event.type !== 'lease_expired') {
    log.debug({ event: event.type }, outcome.note);
    return nothing;
  }
  const fencing = loaded.lease_owner === services.scheduler_id ? loaded.fencing : loaded.fencing + 1;
  const rows = new RowChanges({
    operation: operation.id,
    instance: world.instance.id,
    migration: operation.migration_id,
  });
  rows.set('operations', { lease_owner: services.scheduler_id, fencing });
  const lease = rows.add(services.lease_seconds);
  rows.setExpression(
    'operations',
    'lease_expires_at',
    `now() + make_interval(secs => ${lease}::double precision)`,
  );
  if (loaded.resume_requested) {
    rows.setExpression('operations', 'resume_requested_at', 'null');
    rows.setExpression('operations', 'resume_as_resolved', 'false');
  }

  await lockHostsOf(transaction, loaded, outcome.changes);
  const sent = applyChanges(transaction, loaded, outcome.changes, rows);
  const commands = outcome.orders.filter((order) => order.type === 'command');
  addToOutbox(
    rows,
    commands.map((order) => commandMessage(world, order, fencing)),
  );
  await transaction.finish([...earlier, ...sent, transaction.query(rows.statement())]);

  if (commands.length > 0) services.wakeOutbox();
  if (others_wait || givesTurnBack(loaded, outcome)) services.turnsChanged();
  log.info({ kind: operation.kind, event: event.type, fencing }, outcome.note);
  return {
    changed: true,
    choose: chooseTask(loaded, outcome.orders, outcome.changes, fencing),
    is_ended: outcome.changes.some(
      (change) =>
        change.type === 'operation' && (change.set.state === 'done' || change.set.state === 'unwound'),
    ),
    has_commands: commands.length > 0,
  };
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
): Promise<{ readonly outcome: Outcome; readonly others_wait: boolean }> {
  const { world, priority } = loaded;
  const { settings } = services;
  const outcome = decide(world, event, settings);
  const asked = outcome.orders.find((order) => order.type === 'turn');
  if (asked === undefined) return { outcome, others_wait: false };
  const { id, turn } = world.operation;
  const request = {
    operation_id: id,
    transfer: asked.transfer,
    priority,
    is_waiting: turn === 'waiting',
  };
  const turn_answer = await askForTurn(transaction, request, settings.transfer_limits);
  return {
    outcome: decide({ ...world, turn_answer }, event, settings),
    others_wait: turn_answer.obstacle === 'others_wait',
  };
}

function givesTurnBack(loaded: LoadedOperation, outcome: Outcome): boolean {
  return (
    loaded.world.operation.turn === 'held' &&
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
