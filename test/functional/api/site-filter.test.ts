import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeQuietFilter } from '../support/quiet-filter.ts';
import { call, fixture, useServersFixture } from './server-requests.ts';

/** A site has a filter of its own: what the api says of placement counts it in. */
const folder = mkdtempSync(join(tmpdir(), 'drover-site-filter-'));
afterAll(() => rmSync(folder, { recursive: true }));
useServersFixture({
  filter_scheduler: {
    placement_modules: [writeQuietFilter(folder)],
    enabled_filters: ['ComputeFilter', 'QuietFilter'],
  },
});

let server: string;
beforeAll(async () => {
  server = await fixture.server();
  await fixture.pool.query(
    `insert into host_inventories (host_id, resource_class, total, max_unit)
     select h.id, c.name, 1000, 1000 from hosts h, (values ('VCPU'), ('MEMORY_MB'), ('DISK_GB')) as c (name)`,
  );
});

test('a dry run asks it', async () => {
  const { status, body } = await call('POST', '/decisions', { servers: [{ id: server }] });
  expect(status).toBe(200);
  expect(body.decisions).toMatchObject([{ server_id: server, chosen_host: 'compute2', hosts_weighed: 1 }]);
  expect(body.decisions[0].hosts).toContainEqual({
    host: 'compute3',
    verdict: 'rejected',
    weight: null,
    reason: 'QuietFilter: is loud',
  });
});

test('a dry run to a host that it refuses finds none, and says why', async () => {
  const { status, body } = await call('POST', '/decisions', { servers: [{ id: server, host: 'compute3' }] });
  expect(status).toBe(200);
  expect(body.decisions[0].chosen_host).toBeNull();
  expect(body.decisions[0].summary).toMatch(/^No valid host was found\. .*QuietFilter \(is loud\) 1/);
});

test('a host is explained with it', async () => {
  const { body } = await call('GET', `/hosts/compute3/explain?server=${server}`);
  const verdicts = body.explanation.verdicts.map(({ filter, pass }: any) => [filter, pass]);
  expect(verdicts).toContainEqual(['ComputeFilter', true]);
  expect(verdicts).toContainEqual(['QuietFilter', false]);
  expect(body.explanation.chosen_host).toBe('compute2');
});
