import { randomUUID } from 'node:crypto';
import { Books } from '../../services/scheduler/claims/books.ts';
import { readPlacementRequests } from '../../services/scheduler/drive/placement-request.ts';
import type { DriveServices } from '../../services/scheduler/drive/services.ts';
import { storeDecisions, type StoredDecision } from '../../services/scheduler/drive/store-decisions.ts';
import { transact } from '../../services/scheduler/drive/transaction.ts';
import { packRecord } from '../../services/scheduler/placement-record.ts';
import { decide } from '../../services/scheduler/placement/decide.ts';
import type { Reservation } from '../../services/scheduler/snapshot/reservations.ts';
import type { HostName, MigrationId, OperationId } from '../../shared/domain/ids.ts';

/** A move of the measurement, waiting for its host. */
export interface WaitingMove {
  readonly id: OperationId;
  readonly migration_id: MigrationId;
  readonly source_host: HostName;
}

interface Chosen {
  readonly move: WaitingMove;
  readonly reservation: Reservation;
  readonly stored: StoredDecision & { readonly claimed: HostName };
}

/**
 * Chooses and claims, and nothing else: reads the questions, decides each with its reasons packed, claims under the
 * hosts' locks, hands the sources' claims to the migrations and stores the decisions, all by the product's own code and
 * in one transaction. The rows of the move itself (operation, migration, events, steps, turn, outbox) stay as they are.
 *
 * @returns how many were committed
 */
export async function claimOnly(services: DriveServices, moves: readonly WaitingMove[]): Promise<number> {
  const { pool, snapshot, host_lists, service_down_seconds } = services;
  const tasks = moves.map(({ id }) => ({ operation_id: id, ignore_hosts: [] }));
  const [questions] = await Promise.all([readPlacementRequests(pool, tasks), snapshot.refresh()]);
  const lists = new Set<readonly HostName[]>();
  const all = moves.map((move): Chosen => {
    const question = questions.get(move.id);
    if (question === undefined) throw new Error(`the move ${move.id} of the measurement is not there`);
    const { placement: request, request_id } = question;
    const decision = decide(snapshot.current(), request, services.placement, request_id);
    if (decision.chosen === null) throw new Error('a move of the measurement finds no host');
    const record = packRecord(decision, (names) => {
      lists.add(names);
      return host_lists.digestOf(names);
    });
    const reservation = snapshot.reserve(decision.chosen, request, null);
    const asked_by = { kind: 'cold', instance_id: request.instance_id, request_id } as const;
    const stored = {
      id: randomUUID(),
      asked_by,
      decision,
      record,
      refusals: new Map(),
      claimed: decision.chosen,
    };
    return { move, reservation, stored };
  });
  for (const names of lists) await host_lists.store(names);
  const granted = await transact(pool, async (transaction) => {
    const books = await Books.open(
      transaction,
      all.map(({ stored }) => ({
        host: stored.claimed,
        instance_id: stored.asked_by.instance_id,
        server_group_uuid: null,
      })),
      service_down_seconds,
    );
    const found: Array<{ readonly chosen: Chosen; readonly generation: number }> = [];
    for (const chosen of all) {
      const { move, stored } = chosen;
      const outcome = await books.claim({
        host: stored.claimed,
        instance_id: stored.asked_by.instance_id,
        move: { migration_id: move.migration_id, source_host: move.source_host },
        amounts: stored.decision.request.resources,
        details: null,
        server_group_uuid: null,
        is_known_up: snapshot.isUp(stored.claimed),
      });
      if (outcome.claimed) found.push({ chosen, generation: outcome.target.generation });
    }
    await transaction.finish([
      books.write(transaction),
      storeDecisions(
        transaction,
        found.map(({ chosen }) => chosen.stored),
      ),
    ]);
    return found;
  });
  snapshot.settle(granted.map(({ chosen, generation }) => ({ reservation: chosen.reservation, generation })));
  for (const { reservation } of all) snapshot.release(reservation);
  return granted.length;
}
