import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Pool } from '../../../shared/database/connect.ts';
import { hostName } from '../../../shared/domain/ids.ts';
import { connectBroker } from '../../../shared/messaging/connection.ts';
import { openPublisher } from '../../../shared/messaging/publisher.ts';
import { exchanges, routingKeys } from '../../../shared/messaging/topology.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { pipelinedPool, untilValue } from './cluster-database.ts';
import { FakeAgents } from './fake-agents.ts';
import { addColdMigration, addHost, addInstance, reportOf } from './rows.ts';
import { silent, startTestScheduler } from './test-scheduler.ts';

let database: TestDatabase;
let pool: Pool;
let broker: TestBroker;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = pipelinedPool(database.url);
  broker = await createTestBroker();
});
afterEach(async () => {
  await broker.release();
  await pool.end();
  await database.drop();
});

test('resize_confirm_window: a migration is confirmed by itself, by two schedulers once', async () => {
  for (const host of ['compute1', 'compute2']) await addHost(pool, host);
  const urls = { database: database.url, broker: broker.url };
  const overrides = { DEFAULT: { resize_confirm_window: 0.3 } };
  const schedulers = [await startTestScheduler(urls, overrides), await startTestScheduler(urls, overrides)];
  const agents = await FakeAgents.start(broker.url, ['compute1', 'compute2']);
  try {
    const instance = await addInstance(pool, 'compute1');
    const { operation, migration } = await addColdMigration(pool, instance);
    await agents.wake(operation);
    await untilValue(pool, 'select status from migrations where uuid = $1', [migration], 'confirmed');
    const { rows } = await pool.query(
      `select i.vm_state, i.host, (select count(*)::int from operations where kind = 'confirm') as confirms,
              m.finished_at - o.finished_at >= interval '0.3 seconds' as waited
       from instances i join migrations m on m.instance_uuid = i.uuid
       join operations o on o.migration_uuid = m.uuid and o.kind = 'cold'`,
    );
    expect(rows).toEqual([{ vm_state: 'active', host: 'compute2', confirms: 1, waited: true }]);
  } finally {
    await agents.close();
    await Promise.all(schedulers.map((scheduler) => scheduler.close()));
  }
});

test('verify_event_sender: only the host itself may speak for a host', async () => {
  const scheduler = await startTestScheduler(
    { database: database.url, broker: broker.url },
    { drover: { verify_event_sender: true } },
  );
  const say = async (url: string, host: string, state_sender: boolean, address: string) => {
    const connection = await connectBroker({ url, name: 'somebody', log: silent });
    const publisher = openPublisher(connection, { purpose: 'reports', state_sender });
    await publisher.publish({
      exchange: exchanges.events,
      routing_key: routingKeys.agentEvent(hostName(host)),
      body: {
        type: 'host_reported',
        message_id: randomUUID(),
        request_id: 'req-test',
        sent_at: new Date().toISOString(),
        host,
        report: reportOf(host, { address }),
      },
    });
    await publisher.close();
    await connection.close();
  };
  try {
    await say(broker.url, 'compute1', true, '127.6.6.6');
    await say(broker.url, 'compute1', false, '127.6.6.6');
    await say(broker.agentUrl('compute1'), 'compute1', true, '127.0.1.1');
    const addressOf = `select address from hosts where name = 'compute1'`;
    await untilValue(pool, `select coalesce((${addressOf}), '')`, [], '127.0.1.1');
    await say(broker.url, 'compute2', true, '127.6.6.6');
    await say(broker.agentUrl('compute3'), 'compute3', true, '127.0.1.3');
    await untilValue(pool, `select count(*)::int from hosts where name = 'compute3'`, [], 1);
    const { rows } = await pool.query('select name, address from hosts order by name');
    expect(rows).toEqual([
      { name: 'compute1', address: '127.0.1.1' },
      { name: 'compute3', address: '127.0.1.3' },
    ]);
  } finally {
    await scheduler.close();
  }
});
