import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { schedulerThatEnds, startSchedulerProcess } from './scheduler-process.ts';
import { addHost, addNewInstance, addOperation, FakeAgents, pipelinedPool, untilValue } from './support.ts';

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

test('an unknown filter stops the start with the nearest names; starting again would not help', async () => {
  const { code, output } = await schedulerThatEnds(configured('enabled_filters = ComputeFilter,RamFliter'));
  expect(code).toBe(78);
  expect(output).toMatch(/RamFliter.*RamFilter/s);
});

test("a site's own filter is asked in every decision", async () => {
  const module = join(folder, 'quiet-filter.mjs');
  writeFileSync(
    module,
    `export const QuietFilter = {
       name: 'QuietFilter',
       prepare: () => ({
         reads: 'host',
         check: (host) => host.name === 'compute2' ? { pass: true } : { pass: false, code: 'loud', message: 'is loud' },
       }),
     };`,
  );
  const pool = pipelinedPool(database.url, 2);
  for (const host of ['compute1', 'compute2', 'compute3']) await addHost(pool, host);
  const scheduler = await startSchedulerProcess(
    configured(`placement_modules = ${module}\nenabled_filters = ComputeFilter,QuietFilter`),
  );
  const agents = await FakeAgents.start(broker.url, ['compute1', 'compute2', 'compute3']);
  try {
    const instance = await addNewInstance(pool);
    await agents.wake(await addOperation(pool, instance, 'create'));
    await untilValue(pool, 'select host from instances where uuid = $1', [instance], 'compute2');
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
