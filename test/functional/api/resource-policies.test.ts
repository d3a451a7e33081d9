import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServersFixture, missingId, type Actor, type ServersFixture } from './servers-fixture.ts';

/** Every route of these resources × role → status; a refusal must name the rule that was checked. */
let api: ServersFixture;
const group = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';

beforeAll(async () => {
  api = await createServersFixture();
  await api.pool.query(
    `insert into server_groups (uuid, project_id, user_id, name, policy) values ($1, $2, $3, 'g', 'affinity')`,
    [group, api.projectOf('demo'), api.userOf('demo')],
  );
});
afterAll(() => api.close());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Row = readonly [
  method: Method,
  path: string,
  rule: string | null,
  /** admin, demo (member of the group's project), rhea (its reader), alice (member of another project) */
  statuses: readonly [number, number, number, number],
  options?: { readonly version?: string; readonly body?: unknown },
];

const admins = (status: number): Row[3] => [status, 403, 403, 403];
const everybody = (status: number): Row[3] => [status, status, status, status];
const name = 'os_compute_api:';
const metadata = { set_metadata: { metadata: { a: 'b' } } };
const cache = { cache: [{ id: missingId }] };
const byHost = { host: 'nosuch', binary: 'nova-compute' };
const flavor = { flavor: { name: '', ram: 1, vcpus: 1, disk: 1 } };
const access = { addTenantAccess: { tenant: 'x' } };

// Nothing here succeeds in changing anything: a refusal by state or look-up shows that policy let the caller pass.
const table: readonly Row[] = [
  ['GET', '/flavors', null, everybody(200)],
  ['GET', '/flavors/detail', null, everybody(200)],
  ['GET', '/flavors/42', null, everybody(200)],
  [
    'PUT',
    '/flavors/none',
    `${name}os-flavor-manage:update`,
    admins(404),
    {
      version: '2.55',
      body: { flavor: { description: null } },
    },
  ],
  ['DELETE', '/flavors/none', `${name}os-flavor-manage:delete`, admins(404)],
  ['GET', '/flavors/42/os-flavor-access', `${name}os-flavor-access`, admins(404)],
  ['POST', '/flavors/42/action', `${name}os-flavor-access:add_tenant_access`, admins(409), { body: access }],
  [
    'POST',
    '/flavors/42/action',
    `${name}os-flavor-access:remove_tenant_access`,
    admins(404),
    {
      body: { removeTenantAccess: { tenant: 'x' } },
    },
  ],
  ['GET', '/flavors/42/os-extra_specs', null, everybody(200)],
  ['GET', '/flavors/42/os-extra_specs/a', null, everybody(404)],
  [
    'POST',
    '/flavors/none/os-extra_specs',
    `${name}os-flavor-extra-specs:create`,
    admins(404),
    {
      body: { extra_specs: { a: 'b' } },
    },
  ],
  [
    'PUT',
    '/flavors/none/os-extra_specs/a',
    `${name}os-flavor-extra-specs:update`,
    admins(404),
    {
      body: { a: 'b' },
    },
  ],
  ['DELETE', '/flavors/42/os-extra_specs/a', `${name}os-flavor-extra-specs:delete`, admins(404)],
  ['GET', '/os-services', `${name}os-services:list`, admins(200)],
  ['PUT', '/os-services/disable', `${name}os-services:update`, admins(404), { body: byHost }],
  [
    'PUT',
    `/os-services/${missingId}`,
    `${name}os-services:update`,
    admins(404),
    {
      version: '2.53',
      body: { status: 'enabled' },
    },
  ],
  ['DELETE', '/os-services/999', `${name}os-services:delete`, admins(404)],
  ['GET', '/os-hypervisors', `${name}os-hypervisors:list`, admins(200)],
  ['GET', '/os-hypervisors/detail', `${name}os-hypervisors:list-detail`, admins(200)],
  ['GET', '/os-hypervisors/statistics', `${name}os-hypervisors:statistics`, admins(200)],
  ['GET', '/os-hypervisors/1', `${name}os-hypervisors:show`, admins(200)],
  ['GET', '/os-hypervisors/1/uptime', `${name}os-hypervisors:uptime`, admins(200)],
  ['GET', '/os-hypervisors/comp/search', `${name}os-hypervisors:search`, admins(200)],
  ['GET', '/os-hypervisors/comp/servers', `${name}os-hypervisors:servers`, admins(200)],
  ['GET', '/os-hosts', `${name}os-hosts:list`, admins(200)],
  ['GET', '/os-hosts/compute1', `${name}os-hosts:show`, admins(200)],
  ['PUT', '/os-hosts/compute1', `${name}os-hosts:update`, admins(200), { body: {} }],
  ['GET', '/os-hosts/compute1/reboot', `${name}os-hosts:reboot`, admins(400)],
  ['GET', '/os-hosts/compute1/shutdown', `${name}os-hosts:shutdown`, admins(400)],
  ['GET', '/os-hosts/compute1/startup', `${name}os-hosts:start`, admins(400)],
  ['GET', '/os-aggregates', `${name}os-aggregates:index`, admins(200)],
  ['GET', '/os-aggregates/9', `${name}os-aggregates:show`, admins(404)],
  [
    'PUT',
    '/os-aggregates/9',
    `${name}os-aggregates:update`,
    admins(404),
    {
      body: { aggregate: { name: 'x' } },
    },
  ],
  ['DELETE', '/os-aggregates/9', `${name}os-aggregates:delete`, admins(404)],
  [
    'POST',
    '/os-aggregates/9/action',
    `${name}os-aggregates:add_host`,
    admins(404),
    {
      body: { add_host: { host: 'compute1' } },
    },
  ],
  [
    'POST',
    '/os-aggregates/9/action',
    `${name}os-aggregates:remove_host`,
    admins(404),
    {
      body: { remove_host: { host: 'compute1' } },
    },
  ],
  ['POST', '/os-aggregates/9/action', `${name}os-aggregates:set_metadata`, admins(404), { body: metadata }],
  [
    'POST',
    '/os-aggregates/9/images',
    'compute:aggregates:images',
    admins(404),
    {
      version: '2.81',
      body: cache,
    },
  ],
  ['GET', '/os-availability-zone', null, everybody(200)],
  ['GET', '/os-availability-zone/detail', `${name}os-availability-zone:detail`, admins(200)],
  ['GET', '/os-server-groups', null, everybody(200)],
  ['GET', '/os-server-groups?all_projects=1', null, everybody(200)],
  ['GET', `/os-server-groups/${group}`, null, [200, 200, 200, 404]],
  ['GET', '/limits', null, everybody(200)],
  ['GET', '/limits?tenant_id=elsewhere', `${name}limits:other_project`, admins(200)],
  ['GET', '/os-quota-sets/DEMO', `${name}os-quota-sets:show`, [200, 200, 200, 403]],
  ['GET', '/os-quota-sets/DEMO/detail', `${name}os-quota-sets:detail`, [200, 200, 200, 403]],
  ['GET', '/os-quota-sets/DEMO/defaults', null, everybody(200)],
  ['PUT', '/os-quota-sets/DEMO', `${name}os-quota-sets:update`, admins(200), { body: { quota_set: {} } }],
  ['DELETE', '/os-quota-sets/DEMO', `${name}os-quota-sets:delete`, admins(202)],
  ['GET', '/os-quota-class-sets/default', `${name}os-quota-class-sets:show`, admins(200)],
  ['GET', '/os-simple-tenant-usage', `${name}os-simple-tenant-usage:list`, admins(200)],
  ['GET', '/os-simple-tenant-usage/DEMO', `${name}os-simple-tenant-usage:show`, [200, 200, 200, 403]],
  ['GET', '/extensions', null, everybody(200)],
  ['GET', '/extensions/os-hosts', null, everybody(200)],
  ['GET', '/os-networks', null, everybody(200)],
  ['GET', '/os-tenant-networks', null, everybody(200)],
  ['GET', '/os-security-groups', null, everybody(200)],
  ['GET', '/os-floating-ips', null, everybody(200)],
];
const actors: readonly Actor[] = ['admin', 'demo', 'rhea', 'alice'];

const cases = table.map(([method, path, rule, statuses, options]) => ({
  method,
  path,
  rule,
  statuses,
  options,
}));

describe.each(cases)('$method $path $rule', ({ method, path, rule, statuses, options }) => {
  test.each(actors.map((actor, index) => [actor, statuses[index]!] as const))(
    'by %s: %i',
    async (actor, status) => {
      const answer = await api.send(actor, method, path.replace('DEMO', api.projectOf('demo')), options);
      expect(answer.status).toBe(status);
      if (status === 403)
        expect(answer.body).toEqual({
          forbidden: { code: 403, message: `Policy doesn't allow ${rule} to be performed.` },
        });
    },
  );
});

describe('what only administrators create', () => {
  test.each([
    ['/flavors', { flavor: { ...flavor.flavor, name: 'x' } }, `${name}os-flavor-manage:create`],
    ['/os-aggregates', { aggregate: { name: 'x' } }, `${name}os-aggregates:create`],
  ])('POST %s', async (path, body, rule) => {
    for (const actor of ['demo', 'rhea', 'alice'] as const) {
      const answer = await api.send(actor, 'POST', path, { body });
      expect(answer.body).toEqual({
        forbidden: { code: 403, message: `Policy doesn't allow ${rule} to be performed.` },
      });
    }
    expect((await api.send('admin', 'POST', path, { body })).status).toBe(200);
  });

  test('a body is checked before the rule, as in Nova', async () => {
    expect((await api.send('demo', 'POST', '/flavors', { body: flavor })).status).toBe(400);
    expect((await api.send('demo', 'POST', '/os-aggregates', { body: { aggregate: {} } })).status).toBe(400);
  });
});
