import type { Queryable } from '../../../shared/database/connect.ts';
import { readTransferQueue } from '../../scheduler/drive/transfer-turns.ts';
import {
  compareTurns,
  describeObstacle,
  obstacleOf,
  TransferTally,
  type TransferLimits,
} from '../../scheduler/migration/turn-queue.ts';

/** Where a copy stands in the queue, and why it does not begin. */
export interface QueuePlace {
  /** 1 is the foremost. One further behind may begin earlier, when it needs other hosts. */
  readonly position: number;
  readonly waits_for: string;
}

/**
 * The places of all copies that wait, by the operation's id: the schedulers' own order and limits, read from the same
 * rows. One query, and only made when somebody waits.
 */
export async function readQueuePlaces(
  database: Queryable,
  limits: TransferLimits,
): Promise<ReadonlyMap<string, QueuePlace>> {
  const { waiting, running } = await readTransferQueue(database);
  const tally = new TransferTally(running);
  const places = waiting.toSorted(compareTurns).map((transfer, index) => {
    const obstacle = obstacleOf(transfer, tally.countsFor(transfer), limits);
    const why = obstacle === null ? 'waits for those before it' : describeObstacle(obstacle);
    return [
      transfer.id,
      { position: index + 1, waits_for: transfer.paused ? 'waits for a person: it is paused' : why },
    ] as const;
  });
  return new Map(places);
}
