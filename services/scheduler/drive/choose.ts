import { randomUUID } from 'node:crypto';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { claim, type ClaimedHost, type ClaimOutcome } from '../claims/claim.ts';
import type { Refusal } from '../claims/capacity.ts';
import { claimDetailsFor } from '../placement/claim-details.ts';
import { decide as decidePlacement } from '../placement/decide.ts';
import type { Decision, PlacementRequest } from '../placement/model.ts';
import type { MachineEvent } from '../migration/model.ts';
import { packRecord } from '../placement-record.ts';
import { decideAndCommit, type AfterCommit, type ChooseTask } from './decision.ts';
import { readPlacementRequest } from './placement-request.ts';
import { readClusterVersion } from '../snapshot/cluster-version.ts';
import { loadHosts } from '../snapshot/load-hosts.ts';
import type { DriveServices } from './services.ts';
import { prepared } from './statement.ts';
import { transact, type Transaction } from './transaction.ts';
import type { Turns } from './turns.ts';
import { lockAndLoad, type LoadedOperation } from './world.ts';

/**
 * Carries out the order `choose`: decide on the snapshot, then, in ONE transaction, check that the order still stands,
 * claim the host, store the decision and tell the machine. A crash anywhere leaves no claim without its operation
 * knowing of it. When the host refuses, the next alternate is tried; hosts that refuse are left out of the next
 * decision, bounded.
 *
 * Each host is tried in a transaction of its own: one that went on to the next host with the lock of the last one would
 * wait for another that tries the same two in the opposite order.
 *
 * @returns null when the order was overtaken: another scheduler drives, or the operation was called back.
 */
export async function chooseHost(
  services: DriveServices,
  turns: Turns,
  task: ChooseTask,
): Promise<AfterCommit | null> {
  const [request] = await Promise.all([
    readPlacementRequest(services.pool, task.operation_id, task.ignore_hosts),
    services.snapshot.refresh(),
  ]);
  if (request === null) return null;
  const { placement } = request;
  const refusals = new Map<HostName, Refusal>();
  for (let tries = 1; ; tries += 1) {
    if (tries > 1) await services.snapshot.refresh();
    const decision = decidePlacement(
      services.snapshot.current(),
      { ...placement, ignore_hosts: [...placement.ignore_hosts, ...refusals.keys()] },
      services.placement,
      request.request_id,
    );
    const release =
      decision.chosen === null ? null : services.snapshot.reserve(decision.chosen, placement.resources);
    const inTurn = (work: Work) =>
      turns.take(task.operation_id, () =>
        transact(services.pool, (transaction) => asOrdered(services, transaction, task, work)),
      );
    try {
      // After the reservation: who decides meanwhile shall know of this choice.
      const record = packRecord(decision, (names) => services.host_lists.digestOf(names));
      await services.host_lists.store(decision.rejections.columns()?.names ?? []);
      const round: Round = { decision, record, refusals, placement };
      for (const host of [decision.chosen, ...decision.alternates]) {
        if (host === null) continue;
        const outcome = await inTurn((transaction, loaded) =>
          claimAndTell(services, transaction, loaded, round, host),
        );
        if (outcome !== 'refused') return outcome;
      }
      if (decision.chosen === null || tries >= services.placement.scheduler.max_attempts) {
        const outcome = await inTurn((transaction, loaded) => giveUp(services, transaction, loaded, round));
        if (outcome !== 'refused') return outcome;
      }
    } finally {
      release?.();
    }
  }
}

interface Round {
  readonly decision: Decision;
  /** Packed before any lock is held. */
  readonly record: Buffer;
  readonly refusals: Map<HostName, Refusal>;
  readonly placement: PlacementRequest;
}

type Outcome = AfterCommit | 'refused' | null;
type Work = (transaction: Transaction, loaded: LoadedOperation) => Promise<Outcome>;

/** Does the work while the order still stands, and ends it when the cluster must not have changed and has. */
async function asOrdered(
  services: DriveServices,
  transaction: Transaction,
  task: ChooseTask,
  work: Work,
): Promise<Outcome> {
  const loaded = await lockAndLoad(transaction, task.operation_id, services.imageSource);
  if (loaded === null || !stillStands(loaded, task)) return null;
  const changed = await changedSince(transaction, loaded);
  if (changed === null) return await work(transaction, loaded);
  const event: MachineEvent = { type: 'choose_failed', reason: changed, decision_id: null };
  return await decideAndCommit(services, transaction, loaded, event);
}

async function claimAndTell(
  services: DriveServices,
  transaction: Transaction,
  loaded: LoadedOperation,
  round: Round,
  host: HostName,
): Promise<Outcome> {
  const outcome = await tryClaim(services, transaction, loaded, round, host);
  if (!outcome.claimed) {
    round.refusals.set(host, outcome.refusal);
    services.log.warn(
      { operation: loaded.world.operation.id, host, ...outcome.refusal },
      `claim refused: ${host} ${outcome.refusal.message}`,
    );
    return 'refused';
  }
  const { id, stored } = storeDecision(transaction, loaded, round, host);
  const event = claimedEvent(services, outcome.target, id);
  return await decideAndCommit(services, transaction, loaded, event, [outcome.written, stored]);
}

async function giveUp(
  services: DriveServices,
  transaction: Transaction,
  loaded: LoadedOperation,
  round: Round,
): Promise<Outcome> {
  const { id, stored } = storeDecision(transaction, loaded, round, null);
  const message = failureMessage(round.decision, round.refusals);
  const event: MachineEvent = {
    type: 'choose_failed',
    reason: { code: 'no_valid_host', message },
    decision_id: id,
  };
  return await decideAndCommit(services, transaction, loaded, event, [stored]);
}

/** A move that is to be made only as its dry run said: null when it may be, or was not asked to be. */
async function changedSince(
  transaction: Transaction,
  loaded: LoadedOperation,
): Promise<{ readonly code: string; readonly message: string } | null> {
  const wanted = loaded.world.operation.request.if_cluster_version;
  if (wanted === undefined) return null;
  const found = await readClusterVersion(transaction);
  if (found === wanted) return null;
  return {
    code: 'cluster_changed',
    message: `The dry run was made on cluster version ${wanted}; the cluster is at version ${found} now. Nothing was moved.`,
  };
}

function stillStands(loaded: LoadedOperation, task: ChooseTask): boolean {
  const { operation } = loaded.world;
  return (
    loaded.fencing === task.fencing &&
    operation.attempt === task.attempt &&
    operation.state === 'running' &&
    operation.step_state === 'ordered'
  );
}

async function tryClaim(
  services: DriveServices,
  transaction: Transaction,
  loaded: LoadedOperation,
  round: Round,
  host: HostName,
): Promise<ClaimOutcome> {
  const { operation, instance, migration } = loaded.world;
  return await claim(transaction, {
    host,
    instance_id: instance.id,
    move:
      operation.kind === 'cold' && migration !== null
        ? { migration_id: migration.id, source_host: migration.source_host }
        : null,
    amounts: round.placement.resources,
    details: round.decision.details.some((entry) => entry.host === host)
      ? async (host_id) => {
          const zone = services.placement.default_availability_zone;
          const [state] = await loadHosts(transaction, [host_id], zone);
          return state === undefined
            ? null
            : claimDetailsFor({ ...state, up: true }, round.placement, services.placement);
        }
      : null,
    server_group_uuid: loaded.server_group_uuid,
    is_known_up: services.snapshot.isUp(host),
    service_down_seconds: services.service_down_seconds,
  });
}

function claimedEvent(services: DriveServices, target: ClaimedHost, decision_id: string): MachineEvent {
  const { host, node, address, availability_zone } = target;
  return {
    type: 'claimed',
    fact: {
      decision_id,
      host,
      node,
      address,
      availability_zone: availability_zone ?? services.placement.default_availability_zone,
    },
  };
}

/** The statement is on its way; the commit waits for it. */
function storeDecision(
  transaction: Queryable,
  loaded: LoadedOperation,
  { decision, record, refusals }: Round,
  claimed: HostName | null,
): { readonly id: string; readonly stored: Promise<unknown> } {
  const { operation, instance } = loaded.world;
  const id = randomUUID();
  const summary =
    claimed === null ? failureMessage(decision, refusals) : `${claimed}, of ${decision.considered} hosts.`;
  const stored = transaction.query(
    prepared(
      `insert into decisions (id, kind, instance_uuid, request_id, chosen_host, summary, record, refusals)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        id,
        operation.kind === 'create' ? 'create' : 'cold',
        instance.id,
        operation.request_id,
        claimed,
        summary,
        record,
        JSON.stringify(Object.fromEntries([...refusals].map(([host, { message }]) => [host, message]))),
      ],
    ),
  );
  stored.catch(() => undefined);
  return { id, stored };
}

/** Nova's text where scripts look for one, then what the claims said. */
function failureMessage(decision: Decision, refusals: ReadonlyMap<HostName, Refusal>): string {
  const refused = [...refusals].map(([host, { message }]) => `${host} ${message}`).join('; ');
  if (decision.no_valid_host !== null && refusals.size === 0) return decision.no_valid_host.message;
  const words = 'No valid host was found. There are not enough hosts available.';
  return refused === '' ? words : `${words} Refused when claimed: ${refused}.`;
}
