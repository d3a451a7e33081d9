import { randomUUID } from 'node:crypto';
import { connectDatabase, type Pool } from '../../shared/database/connect.ts';
import { instanceId } from '../../shared/domain/ids.ts';
import { claim } from '../../services/scheduler/claims/claim.ts';
import { transact } from '../../services/scheduler/drive/transaction.ts';
import { decide } from '../../services/scheduler/placement/decide.ts';
import type { Decision, PlacementRequest } from '../../services/scheduler/placement/model.ts';
import { seededRandom } from '../../services/scheduler/placement/random.ts';
import { packRecord } from '../../services/scheduler/placement-record.ts';
import { defaultPlacementSettings } from '../../services/scheduler/placement/settings.ts';
import { HostSnapshot } from '../../services/scheduler/snapshot/host-snapshot.ts';
import { fleetRequest } from './fleet.ts';

/*
 * One scheduler of the measurement: refresh, decide, claim, store the decision, as the product does for each server,
 * many at once. Reports `ready`, waits for `go`, then reports how many it has claimed.
 */
const [url = '', seed = '', hosts = '0', milliseconds = '0', at_once = '1'] = process.argv.slice(2);
const service_down_seconds = 60;

const pool = connectDatabase(
  { connection: url, max_pool_size: 8, application_name: `drover-bench-${seed}`, pipeline: true },
  () => undefined,
);
const snapshot = new HostSnapshot({
  pool,
  service_down_seconds,
  default_availability_zone: 'nova',
  now_seconds: () => performance.now() / 1000,
});
await snapshot.refresh();
const random = seededRandom(seed);
process.send?.('ready');
await new Promise((resolve) => process.once('message', resolve));
const until = performance.now() + Number(milliseconds);
let claimed = 0;
await Promise.all(Array.from({ length: Number(at_once) }, () => claimUntilTheEnd()));
process.send?.({ claimed });
await pool.end();
process.disconnect();

async function claimUntilTheEnd(): Promise<void> {
  while (performance.now() < until) {
    // Number 0: a plain move, the flavor of which is drawn.
    const request = { ...fleetRequest(0, Number(hosts), random), instance_id: instanceId(randomUUID()) };
    await snapshot.refresh();
    const decision = decide(snapshot.current(), request, defaultPlacementSettings, request.instance_id);
    if (decision.chosen === null) continue;
    const release = snapshot.reserve(decision.chosen, request.resources);
    const record = packRecord(decision, (names) => names.length.toString());
    const isClaimed = await claimOne(pool, request, decision, record).finally(release);
    if (isClaimed && performance.now() < until) claimed += 1;
  }
}

async function claimOne(
  database: Pool,
  request: PlacementRequest,
  decision: Decision,
  record: Buffer,
): Promise<boolean> {
  return await transact(database, async (transaction) => {
    for (const host of [decision.chosen, ...decision.alternates]) {
      if (host === null) continue;
      const outcome = await claim(transaction, {
        host,
        instance_id: request.instance_id,
        move: null,
        amounts: request.resources,
        details: null,
        server_group_uuid: null,
        is_known_up: snapshot.isUp(host),
        service_down_seconds,
      });
      if (!outcome.claimed) continue;
      const stored = transaction.query(
        `insert into decisions (id, kind, instance_uuid, request_id, chosen_host, summary, record)
         values ($1, 'cold', $2, 'req-bench', $3, $3, $4)`,
        [randomUUID(), request.instance_id, host, record],
      );
      await transaction.finish([outcome.written, stored]);
      return true;
    }
    return false;
  });
}
