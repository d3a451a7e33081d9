import { randomUUID } from 'node:crypto';
import { Books, type ClaimedHost, type ClaimRequest } from '../claims/books.ts';
import type { Refusal } from '../claims/capacity.ts';
import type { MachineEvent } from '../migration/machine-event.ts';
import { claimDetailsFor } from '../placement/claim-details.ts';
import type { Decision } from '../placement/decision.ts';
import { readClusterVersion } from '../snapshot/cluster-version.ts';
import { loadHosts } from '../snapshot/load-hosts.ts';
import { failureMessage, type Choice, type Round } from './choice.ts';
import { commitTogether, decideAndCommit, decideTogether, hasTurn, type AfterCommit } from './decision.ts';
import type { DriveServices } from './services.ts';
import { storeDecisions, type Asker, type StoredDecision } from './store-decisions.ts';
import type { Transaction } from './transaction.ts';
import { lockAndLoad, lockAndLoadFree, type LoadedOperation } from './world.ts';

/** What came of trying one choice's candidate. */
export type Tried =
  | { readonly what: 'claimed'; readonly after: AfterCommit; readonly target: ClaimedHost }
  /** The operation has moved on, or ended here for a reason other than a host's. */
  | { readonly what: 'ended'; readonly after: AfterCommit | null }
  | { readonly what: 'refused'; readonly refusal: Refusal }
  /** Somebody else has its rows now, or more is to be written than a claim: to be tried again by itself. */
  | { readonly what: 'alone' };

export interface Trial {
  readonly choice: Choice;
  readonly round: Round;
}

/**
 * Claims for many choices in one transaction: each is checked on what the ones before it left, and one that is refused
 * fails by itself. It waits for no operation, only for groups and hosts, which are locked in one order.
 *
 * @returns beside `trials`
 */
export async function claimTogether(
  services: DriveServices,
  transaction: Transaction,
  trials: readonly Trial[],
): Promise<Tried[]> {
  const asked = trials.map(({ round }) => ({
    host: round.candidate,
    instance_id: round.request.instance_id,
    server_group_uuid: round.request.server_group?.id ?? null,
  }));
  const [operations, books] = await Promise.all([
    lockAndLoadFree(
      transaction,
      trials.map(({ choice }) => choice.task.operation_id),
      services.imageSource,
    ),
    Books.open(transaction, asked, services.service_down_seconds),
  ]);
  const loaded_by_id = new Map(operations.map((loaded) => [loaded.world.operation.id, loaded]));
  const tried: Array<Tried | { readonly what: 'granted'; readonly target: ClaimedHost }> = [];
  const events: Array<{ readonly loaded: LoadedOperation; readonly event: MachineEvent }> = [];
  const stored: StoredDecision[] = [];
  for (const { choice, round } of trials) {
    const loaded = loaded_by_id.get(choice.task.operation_id);
    if (loaded === undefined || needsMore(loaded)) {
      tried.push({ what: 'alone' });
      continue;
    }
    if (!stillStands(loaded, choice)) {
      tried.push({ what: 'ended', after: null });
      continue;
    }
    const outcome = await books.claim(claimRequest(services, transaction, loaded, round));
    if (!outcome.claimed) {
      tried.push({ what: 'refused', refusal: outcome.refusal });
      continue;
    }
    const id = randomUUID();
    events.push({ loaded, event: claimedEvent(services, outcome.target, id) });
    const { decision: placement, record } = round;
    stored.push({
      id,
      asked_by: askerOf(loaded),
      decision: placement,
      record,
      refusals: choice.refusals,
      claimed: round.candidate,
    });
    tried.push({ what: 'granted', target: outcome.target });
  }
  const afters: AfterCommit[] = [];
  if (events.length > 0) {
    const written = [sent(books.write(transaction)), sent(storeDecisions(transaction, stored))];
    const decisions = await decideTogether(services, transaction, events);
    if (decisions === null) throw new Error('a claim made the machine want more than rows of its own');
    afters.push(...(await commitTogether(services, transaction, decisions, written)));
  }
  let committed = 0;
  return tried.map((one): Tried => {
    if (one.what !== 'granted') return one;
    const after = afters[committed++];
    if (after === undefined) throw new Error('a claim was granted and not committed');
    return { what: 'claimed', after, target: one.target };
  });
}

/** The same for one choice, waiting for whoever has its rows; what else the machine then wants is written too. */
export async function claimAlone(
  services: DriveServices,
  transaction: Transaction,
  { choice, round }: Trial,
): Promise<Tried> {
  const loaded = await lockAndLoad(transaction, choice.task.operation_id, services.imageSource);
  if (loaded === null || !stillStands(loaded, choice)) return { what: 'ended', after: null };
  const changed = await endedByChange(services, transaction, loaded);
  if (changed !== null) return { what: 'ended', after: changed };
  const request = claimRequest(services, transaction, loaded, round);
  const books = await Books.open(transaction, [request], services.service_down_seconds);
  const outcome = await books.claim(request);
  if (!outcome.claimed) return { what: 'refused', refusal: outcome.refusal };
  const id = randomUUID();
  const { decision, record, candidate: claimed } = round;
  const after = await decideAndCommit(
    services,
    transaction,
    loaded,
    claimedEvent(services, outcome.target, id),
    [
      sent(books.write(transaction)),
      sent(
        storeDecisions(transaction, [
          { id, asked_by: askerOf(loaded), decision, record, refusals: choice.refusals, claimed },
        ]),
      ),
    ],
  );
  return { what: 'claimed', after, target: outcome.target };
}

/** No host was found, or all that were have refused: the record says why, the machine takes back what there is. */
export async function giveUp(
  services: DriveServices,
  transaction: Transaction,
  choice: Choice,
  { decision, record }: { readonly decision: Decision; readonly record: Buffer },
): Promise<AfterCommit | null> {
  const loaded = await lockAndLoad(transaction, choice.task.operation_id, services.imageSource);
  if (loaded === null || !stillStands(loaded, choice)) return null;
  const changed = await endedByChange(services, transaction, loaded);
  if (changed !== null) return changed;
  const id = randomUUID();
  const { refusals } = choice;
  const asked_by = askerOf(loaded);
  const stored = storeDecisions(transaction, [{ id, asked_by, decision, record, refusals, claimed: null }]);
  const event: MachineEvent = {
    type: 'choose_failed',
    reason: { code: 'no_valid_host', message: failureMessage(decision, refusals) },
    decision_id: id,
  };
  return await decideAndCommit(services, transaction, loaded, event, [sent(stored)]);
}

/** A statement on its way: whoever waits for the commit meets its failure; nobody else must. */
function sent(statement: Promise<unknown>): Promise<unknown> {
  statement.catch(() => undefined);
  return statement;
}

function askerOf({ world: { operation, instance } }: LoadedOperation): Asker {
  const { kind, request_id } = operation;
  return { kind: kind === 'create' ? 'create' : 'cold', instance_id: instance.id, request_id };
}

function needsMore(loaded: LoadedOperation): boolean {
  const { operation } = loaded.world;
  return operation.cancel_requested || operation.request.if_cluster_version !== undefined || hasTurn(loaded);
}

function stillStands(loaded: LoadedOperation, { task }: Choice): boolean {
  const { operation } = loaded.world;
  return (
    loaded.fencing === task.fencing &&
    operation.attempt === task.attempt &&
    operation.state === 'running' &&
    operation.step_state === 'ordered'
  );
}

/** Ends a move that was to be made only as its dry run said, when the cluster has changed. Null: it may go on. */
async function endedByChange(
  services: DriveServices,
  transaction: Transaction,
  loaded: LoadedOperation,
): Promise<AfterCommit | null> {
  const wanted = loaded.world.operation.request.if_cluster_version;
  if (wanted === undefined) return null;
  const found = await readClusterVersion(transaction);
  if (found === wanted) return null;
  const reason = {
    code: 'cluster_changed',
    message: `The dry run was made on cluster version ${wanted}; the cluster is at version ${found} now. Nothing was moved.`,
  };
  const event: MachineEvent = { type: 'choose_failed', reason, decision_id: null };
  return await decideAndCommit(services, transaction, loaded, event);
}

function claimRequest(
  services: DriveServices,
  transaction: Transaction,
  loaded: LoadedOperation,
  { candidate, request, decision }: Round,
): ClaimRequest {
  const { operation, instance, migration } = loaded.world;
  return {
    host: candidate,
    instance_id: instance.id,
    move:
      operation.kind === 'cold' && migration !== null
        ? { migration_id: migration.id, source_host: migration.source_host }
        : null,
    amounts: request.resources,
    details: decision.details.some((entry) => entry.host === candidate)
      ? async (host_id, granted) => {
          const zone = services.placement.default_availability_zone;
          const [state] = await loadHosts(transaction, [host_id], zone);
          if (state === undefined) return null;
          const claim_details = [...(state.claim_details ?? []), ...granted];
          return claimDetailsFor({ ...state, up: true, claim_details }, request, services.placement);
        }
      : null,
    server_group_uuid: loaded.server_group_uuid,
    is_known_up: services.snapshot.isUp(candidate),
  };
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
