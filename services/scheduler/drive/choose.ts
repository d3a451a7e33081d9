import { randomUUID } from 'node:crypto';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { claim, type ClaimedHost, type ClaimOutcome } from '../claims/claim.ts';
import type { Refusal } from '../claims/capacity.ts';
import { decide as decidePlacement } from '../placement/decide.ts';
import type { Decision, PlacementRequest } from '../placement/model.ts';
import type { MachineEvent } from '../migration/model.ts';
import { decideAndCommit, type AfterCommit, type ChooseTask } from './decision.ts';
import { readPlacementRequest } from './placement-request.ts';
import { readClusterVersion } from '../snapshot/cluster-version.ts';
import type { DriveServices } from './services.ts';
import { prepared } from './statement.ts';
import { transact, type Transaction } from './transaction.ts';
import type { Turns } from './turns.ts';
import { lockAndLoad, type LoadedOperation } from './world.ts';

/**
 * Carries out the order `choose`: decide on the snapshot, then, in ONE transaction, check that the order still stands,
 * claim the chosen host or the next alternate, store the decision and tell the machine. A crash anywhere leaves no
 * claim without its operation knowing of it. Hosts that refuse are left out of the next decision, bounded.
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
  const refusals = new Map<HostName, Refusal>();
  for (let round = 1; ; round += 1) {
    if (round > 1) await services.snapshot.refresh();
    const decision = decidePlacement(
      services.snapshot.current(),
      { ...request.placement, ignore_hosts: [...request.placement.ignore_hosts, ...refusals.keys()] },
      services.placement,
      request.request_id,
    );
    const isLast = round >= services.placement.scheduler.max_attempts;
    const release =
      decision.chosen === null
        ? null
        : services.snapshot.reserve(decision.chosen, request.placement.resources);
    const outcome = await turns
      .take(task.operation_id, () =>
        transact(services.pool, (transaction) =>
          claimAndTell(services, transaction, task, {
            decision,
            refusals,
            isLast,
            placement: request.placement,
          }),
        ),
      )
      .finally(() => release?.());
    if (outcome !== 'again') return outcome;
  }
}

interface Round {
  readonly decision: Decision;
  readonly refusals: Map<HostName, Refusal>;
  readonly isLast: boolean;
  readonly placement: PlacementRequest;
}

async function claimAndTell(
  services: DriveServices,
  transaction: Transaction,
  task: ChooseTask,
  round: Round,
): Promise<AfterCommit | 'again' | null> {
  const loaded = await lockAndLoad(transaction, task.operation_id, services.imageSource);
  if (loaded === null || !stillStands(loaded, task)) return null;
  const changed = await changedSince(transaction, loaded);
  if (changed !== null) {
    return await decideAndCommit(services, transaction, loaded, {
      type: 'choose_failed',
      reason: changed,
      decision_id: null,
    });
  }
  const { decision, refusals } = round;
  for (const host of [decision.chosen, ...decision.alternates]) {
    if (host === null) continue;
    const outcome = await tryClaim(services, transaction, loaded, round, host);
    if (!outcome.claimed) {
      refusals.set(host, outcome.refusal);
      services.log.warn(
        { operation: task.operation_id, host, ...outcome.refusal },
        `claim refused: ${host} ${outcome.refusal.message}`,
      );
      continue;
    }
    const { id, stored } = storeDecision(transaction, loaded, round, host);
    const event = claimedEvent(services, outcome.target, id);
    return await decideAndCommit(services, transaction, loaded, event, [outcome.written, stored]);
  }
  if (decision.chosen !== null && !round.isLast) return 'again';
  const { id, stored } = storeDecision(transaction, loaded, round, null);
  const message = failureMessage(decision, refusals);
  const event = {
    type: 'choose_failed',
    reason: { code: 'no_valid_host', message },
    decision_id: id,
  } as const;
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
    details: round.decision.details.find((entry) => entry.host === host)?.details ?? null,
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
  { decision, refusals }: Round,
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
        JSON.stringify(decision),
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
