import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterView } from '../../../services/api/drover/cluster-view.ts';
import { decide } from '../../../services/scheduler/placement/decide.ts';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import { request } from '../../unit/scheduler/placement/builders.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { writeQuietFilter } from '../support/quiet-filter.ts';
import { serviceThatEnds, startSchedulerProcess } from './scheduler-process.ts';
import { pipelinedPool, untilValue } from './cluster-database.ts';
import { FakeAgents } from './fake-agents.ts';
import { addHost, addNewInstance, addOperation } from './rows.ts';

let database: TestDatabase;
let broker: TestBroker;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-start-'));
  [database, broker] = await Promise.all([createTestDatabase(), createTestBroker()]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Promise.all([database.drop(), broker.release()]);
});

const configured = (lines: string) => `[DEFAULT]
transport_url = ${broker.url}
[database]
connection = ${database.url}
[drover]
verify_event_sender = false
[filter_scheduler]
${lines}
`;

describe.each(['scheduler', 'api'] as const)('the %s does not start', (service) => {
  test('with an unknown filter, and names the nearest; starting again would not help', async () => {
    const { code, output } = await serviceThatEnds(
      service,
      configured('enabled_filters = ComputeFilter,RamFliter'),
    );
    expect(code).toBe(78);
    expect(output).toMatch(/RamFliter.*RamFilter/s);
  });

  test("with a site's module that is not there", async () => {
    const missing = join(folder, 'missing.mjs');
    const { code, output } = await serviceThatEnds(service, configured(`placement_modules = ${missing}`));
    expect(code).toBe(78);
    expect(output).toContain(missing);
  });
});

test("a site's own filter is asked in every decision, and in the api's dry runs", async () => {
  const module = writeQuietFilter(folder);
  const configuration = configured(
    `placement_modules = ${module}\nenabled_filters = ComputeFilter,QuietFilter`,
  );
  const pool = pipelinedPool(database.url, 2);
  for (const host of ['compute1', 'compute2', 'compute3']) await addHost(pool, host);
  const scheduler = await startSchedulerProcess(configuration);
  const agents = await FakeAgents.start(broker.url, ['compute1', 'compute2', 'compute3']);
  try {
    const instance = await addNewInstance(pool);
    await agents.wake(await addOperation(pool, instance, 'create'));
    await untilValue(pool, 'select host from instances where uuid = $1', [instance], 'compute2');
    const file = join(folder, 'api.conf');
    writeFileSync(file, configuration);
    const { snapshot, settings } = await new ClusterView({
      pool,
      configuration: loadConfiguration([file]),
    }).read();
    const dry_run = decide(snapshot, request().request, settings, 'seed');
    expect(dry_run.chosen).toBe('compute2');
    expect([...dry_run.rejections].map(({ filter, message }) => `${filter}: ${message}`)).toEqual([
      'QuietFilter: is loud',
      'QuietFilter: is loud',
    ]);
    await pool.query(`update services set disabled = true where host = 'compute2'`);
    const another = await addNewInstance(pool);
    await agents.wake(await addOperation(pool, another, 'create'));
    const fault = 'select message from instance_faults where instance_uuid = $1';
    await untilValue(
      pool,
      fault,
      [another],
      'No valid host was found. 3 of 3 hosts: QuietFilter (is loud) 2, ComputeFilter (disabled) 1',
    );
  } finally {
    await agents.close();
    await scheduler.close();
    await pool.end();
  }
});
