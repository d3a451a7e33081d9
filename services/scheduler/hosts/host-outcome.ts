import type { Queryable } from '../../../shared/database/connect.ts';
import type { StepDone, StepFailed } from '../../../shared/messaging/messages.ts';
import { prepared } from '../drive/statement.ts';

/**
 * Counts what hosts make of what they were given: failed builds (Nova's BuildFailureWeigher passes such a host over,
 * one good build forgets them) and refusals after a claim: a host whose agent refuses again and again what it reported
 * to have is lying about itself, and shows.
 */
export async function countHostOutcome(database: Queryable, event: StepDone | StepFailed): Promise<void> {
  if (event.direction !== 'action') return;
  if (event.type === 'step_done') {
    if (event.command !== 'spawn') return;
    await database.query(
      prepared(
        `update hosts set failed_builds = 0, generation = generation + 1 where name = $1 and failed_builds > 0`,
        [event.host],
      ),
    );
    return;
  }
  if (event.command !== 'spawn' && event.command !== 'admit') return;
  await database.query(
    prepared(
      `update hosts set generation = generation + 1, failed_builds = failed_builds + $2,
         claim_rejections = claim_rejections + 1
       where name = $1`,
      [event.host, event.command === 'spawn' ? 1 : 0],
    ),
  );
}
