import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServersFixture, missingId, type Answer, type ServersFixture } from './servers-fixture.ts';

/** Server groups, quotas, limits, usage and extensions. */
let api: ServersFixture;
beforeAll(async () => {
  api = await createServersFixture();
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.pool.query('delete from instances');
  await api.pool.query('delete from server_groups');
  await api.pool.query('delete from quotas');
});

async function addGroup(actor: 'demo' | 'alice', name: string): Promise<string> {
  const body = { server_group: { name, policies: ['anti-affinity'] } };
  return (await api.send(actor, 'POST', '/os-server-groups', { body })).body.server_group.id;
}

describe('server groups', () => {
  const names = async (actor: 'demo' | 'alice' | 'admin', query = '') =>
    (await api.send(actor, 'GET', `/os-server-groups${query}`)).body.server_groups.map(
      (group: any) => group.name,
    );

  test('belong to a project; administrators see all of them if they ask', async () => {
    await addGroup('demo', 'd');
    await addGroup('alice', 'a');
    expect(await names('demo')).toEqual(['d']);
    expect(await names('demo', '?all_projects=1')).toEqual(['d']);
    expect(await names('admin')).toEqual([]);
    expect(await names('admin', '?all_projects=1')).toEqual(['d', 'a']);
  });

  test.each([
    ['?limit=2', ['g0', 'g1']],
    ['?limit=1&offset=1', ['g1']],
    ['?offset=2', ['g2']],
    ['?limit=0', ['g0', 'g1', 'g2']],
    ['?offset=99999999999999999999', []],
  ])('are listed in the order of their creation: %s', async (query, expected) => {
    for (const name of ['g0', 'g1', 'g2']) await addGroup('demo', name);
    expect(await names('demo', query)).toEqual(expected);
  });

  test('name their living servers, the newest first; these outlive the group', async () => {
    const id = await addGroup('demo', 'd');
    const first = await api.server({ server_group_uuid: id });
    const second = await api.server({ server_group_uuid: id });
    await api.server({ server_group_uuid: id, deleted_at: '2026-11-21T08:00:00Z' });
    const shown = await api.send('demo', 'GET', `/os-server-groups/${id}`);
    expect(shown.body.server_group.members).toEqual([second, first]);
    expect((await api.send('demo', 'DELETE', `/os-server-groups/${id}`)).status).toBe(204);
    expect((await api.send('admin', 'GET', `/servers/${first}`)).status).toBe(200);
    expect((await api.send('demo', 'DELETE', `/os-server-groups/${id}`)).status).toBe(404);
  });

  test('others can neither see nor delete them', async () => {
    const id = await addGroup('demo', 'd');
    for (const method of ['GET', 'DELETE'] as const)
      expect((await api.send('alice', method, `/os-server-groups/${id}`)).body).toEqual({
        itemNotFound: { code: 404, message: `Instance group ${id} could not be found.` },
      });
    expect((await api.send('admin', 'DELETE', `/os-server-groups/${id}`)).status).toBe(204);
  });

  test('are at most as many as the quota says, however many ask at once', async () => {
    await api.send('admin', 'PUT', `/os-quota-sets/${api.projectOf('demo')}`, {
      body: { quota_set: { server_groups: 2 } },
    });
    const body = { server_group: { name: 'g', policies: ['affinity'] } };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => api.send('demo', 'POST', '/os-server-groups', { body })),
    );
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 200, 403, 403, 403]);
    const refused = answers.find((answer) => answer.status === 403);
    expect(refused?.body.forbidden.message).toBe('Quota exceeded, too many server groups.');
  });

  test('rules belong to anti-affinity', async () => {
    const body = { server_group: { name: 'g', policy: 'affinity', rules: { max_server_per_host: 2 } } };
    const answer = await api.send('demo', 'POST', '/os-server-groups', { body, version: '2.64' });
    expect(answer.body.badRequest.message).toBe('Only anti-affinity policy supports rules.');
  });

  test('unknown parameters are refused from 2.75 on', async () => {
    const ask = (version: string) => api.send('demo', 'GET', '/os-server-groups?colour=red', { version });
    expect((await ask('2.74')).status).toBe(200);
    expect((await ask('2.75')).status).toBe(400);
  });
});

describe('quotas', () => {
  const path = (rest = '') => `/os-quota-sets/${api.projectOf('demo')}${rest}`;
  const set = (quota_set: object, version = '2.57'): Promise<Answer> =>
    api.send('admin', 'PUT', path(), { body: { quota_set }, version });
  const read = async (rest = '', version = '2.57') =>
    (await api.send('demo', 'GET', path(rest), { version })).body.quota_set;

  test('are the configured ones until they are set, and again when they are reset', async () => {
    expect(await read()).toMatchObject({ id: api.projectOf('demo'), cores: 20, instances: 10 });
    expect((await set({ cores: 4, ram: '-1' })).body.quota_set).toEqual({
      cores: 4,
      instances: 10,
      key_pairs: 100,
      metadata_items: 128,
      ram: -1,
      server_group_members: 10,
      server_groups: 10,
    });
    expect(await read()).toMatchObject({ cores: 4, ram: -1 });
    expect(await read('/defaults')).toMatchObject({ cores: 20, ram: 51_200 });
    expect((await api.send('admin', 'DELETE', path())).status).toBe(202);
    expect(await read()).toMatchObject({ cores: 20, ram: 51_200 });
  });

  test("of one project are no other's", async () => {
    await set({ cores: 4 });
    const other = await api.send('alice', 'GET', `/os-quota-sets/${api.projectOf('alice')}`);
    expect(other.body.quota_set.cores).toBe(20);
  });

  test('in detail count servers and groups; limits say the same', async () => {
    await addGroup('demo', 'g');
    await api.server({ project_id: api.projectOf('demo') });
    await api.server({ project_id: api.projectOf('demo') });
    await api.server({ project_id: api.projectOf('alice') });
    expect(await read('/detail')).toMatchObject({
      cores: { limit: 20, in_use: 2, reserved: 0 },
      instances: { limit: 10, in_use: 2, reserved: 0 },
      ram: { limit: 51_200, in_use: 128, reserved: 0 },
      server_groups: { limit: 10, in_use: 1, reserved: 0 },
    });
    const used = { totalCoresUsed: 2, totalInstancesUsed: 2, totalRAMUsed: 128, totalServerGroupsUsed: 1 };
    expect((await api.send('demo', 'GET', '/limits')).body.limits.absolute).toMatchObject(used);
    const other = await api.send('admin', 'GET', `/limits?tenant_id=${api.projectOf('demo')}`);
    expect(other.body.limits.absolute).toMatchObject(used);
    const own = await api.send('demo', 'GET', `/limits?tenant_id=${api.projectOf('demo')}&reserved=1`);
    expect(own.status).toBe(200);
  });

  test('are not set below what is used, unless forced', async () => {
    await api.server({ project_id: api.projectOf('demo') });
    await api.server({ project_id: api.projectOf('demo') });
    expect((await set({ ram: 1024, cores: 1 })).body.badRequest.message).toBe(
      'Quota limit 1 for cores must be greater than or equal to already used and reserved 2.',
    );
    expect(await read()).toMatchObject({ ram: 51_200 });
    expect((await set({ cores: 2 })).status).toBe(200);
    expect((await set({ cores: -1 })).status).toBe(200);
    expect((await set({ cores: 1, force: 'true' })).body.quota_set.cores).toBe(1);
  });

  test.each([
    ['2.1', { cores: -2 }, 'cores. Value: -2. -2 is less than the minimum of -1'],
    ['2.1', { cores: 'many' }, "cores. Value: many. 'many' does not match '^-?[0-9]+$'"],
    [
      '2.1',
      { cores: 2_147_483_648 },
      'cores. Value: 2147483648. 2147483648 is greater than the maximum of 2147483647',
    ],
    ['2.1', { cores: null }, "cores. Value: None. None is not of type 'integer', 'string'"],
    [
      '2.36',
      { fixed_ips: 5 },
      "quota_set. Value: {'fixed_ips': 5}. Additional properties are not allowed ('fixed_ips' was unexpected)",
    ],
    [
      '2.57',
      { injected_files: 5 },
      "quota_set. Value: {'injected_files': 5}. Additional properties are not allowed ('injected_files' was unexpected)",
    ],
  ])('at %s %j is refused', async (version, wish, text) => {
    expect((await set(wish, version)).body).toEqual({
      badRequest: { code: 400, message: `Invalid input for field/attribute ${text}` },
    });
  });

  test('limits of networks are taken before 2.36, and forgotten', async () => {
    expect((await set({ fixed_ips: 5 }, '2.35')).body.quota_set.fixed_ips).toBe(-1);
    expect((await api.pool.query('select from quotas')).rowCount).toBe(0);
  });

  test('are set for projects that there are, and not for users', async () => {
    const body = { quota_set: { cores: 1 } };
    const unknown = await api.send('admin', 'PUT', '/os-quota-sets/typo', { body });
    expect(unknown.body.badRequest.message).toBe('Project ID typo is not a valid project.');
    const of_user = await api.send('admin', 'PUT', path('?user_id=u'), { body });
    expect(of_user.status).toBe(400);
    expect((await api.send('admin', 'DELETE', path('?user_id=u'))).status).toBe(400);
    expect(await read()).toMatchObject({ cores: 20 });
  });

  test('of a class are the configured ones', async () => {
    const { body } = await api.send('admin', 'GET', '/os-quota-class-sets/default');
    expect(body.quota_class_set).toMatchObject({ id: 'default', cores: 20 });
  });
});

describe('usage', () => {
  const period = 'start=2026-11-01T00:00:00&end=2026-11-02T00:00:00';
  const root = '/os-simple-tenant-usage';
  const within = { created_at: '2026-11-01T10:00:00Z', launched_at: '2026-11-01T12:00:00Z' };

  test('counts hours from launch to end, within the period', async () => {
    const project_id = api.projectOf('demo');
    const early = { created_at: '2026-10-01T00:00:00Z', launched_at: '2026-10-01T00:00:00Z' };
    await api.server({ project_id, ...within });
    await api.server({ project_id, ...within, terminated_at: '2026-11-01T13:30:00Z' });
    await api.server({ project_id, ...early });
    await api.server({ project_id, ...early, terminated_at: '2026-10-31T00:00:00Z' });
    await api.server({ project_id, ...within, launched_at: null, host: null, vm_state: 'error' });
    const answer = await api.send('demo', 'GET', `${root}/${project_id}?${period}`);
    const { server_usages, ...sums } = answer.body.tenant_usage;
    expect(sums).toEqual({
      tenant_id: project_id,
      total_hours: 37.5,
      total_vcpus_usage: 37.5,
      total_memory_mb_usage: 2400,
      total_local_gb_usage: 37.5,
      start: '2026-11-01T00:00:00.000000',
      stop: '2026-11-02T00:00:00.000000',
    });
    expect(server_usages.map((server: any) => server.hours)).toEqual([12, 1.5, 24, 0]);
    expect(server_usages[1]).toMatchObject({
      flavor: 'm1.nano',
      state: 'terminated',
      started_at: '2026-11-01T12:00:00.000000',
      ended_at: '2026-11-01T13:30:00.000000',
      uptime: 5400,
    });
    expect(server_usages[3]).toMatchObject({ state: 'error', started_at: null, uptime: 0 });
  });

  test('lists projects, with servers only if asked', async () => {
    await api.server({ project_id: api.projectOf('demo'), ...within });
    await api.server({ project_id: api.projectOf('alice'), ...within });
    const { body } = await api.send('admin', 'GET', `${root}?${period}`);
    expect(body.tenant_usages.map((usage: any) => usage.tenant_id)).toEqual([
      api.projectOf('demo'),
      api.projectOf('alice'),
    ]);
    expect(body.tenant_usages[0]).not.toHaveProperty('server_usages');
    const detailed = await api.send('admin', 'GET', `${root}?${period}&detailed=1`);
    expect(detailed.body.tenant_usages[0].server_usages).toHaveLength(1);
  });

  test('is paged by servers from 2.40 on, to the end', async () => {
    for (let count = 0; count < 3; count += 1)
      await api.server({ project_id: api.projectOf('demo'), ...within });
    const seen: string[] = [];
    let query = `${period}&detailed=1&limit=2`;
    for (let page = 0; page < 3; page += 1) {
      const { body } = await api.send('admin', 'GET', `${root}?${query}`, { version: '2.40' });
      for (const usage of body.tenant_usages)
        seen.push(...usage.server_usages.map((one: any) => one.instance_id));
      if (body.tenant_usages_links === undefined) break;
      query = String(body.tenant_usages_links[0].href).split('?')[1]!;
    }
    expect(new Set(seen).size).toBe(3);
    expect(seen).toHaveLength(3);
    const unpaged = await api.send('admin', 'GET', `${root}?${period}&limit=1`, { version: '2.39' });
    expect(unpaged.body.tenant_usages[0].total_hours).toBe(36);
    expect(unpaged.body).not.toHaveProperty('tenant_usages_links');
  });

  test.each([
    ['?start=yesterday', '2.1', 'Invalid datetime string: Datetime is in invalid format'],
    ['?start=2026-13-45T00:00:00', '2.1', 'Invalid datetime string: Datetime is in invalid format'],
    [
      '?start=2026-11-02T00:00:00&end=2026-11-01T00:00:00',
      '2.1',
      'Invalid start time. The start time cannot occur after the end time.',
    ],
    [`?marker=${missingId}`, '2.40', `marker [${missingId}] not found`],
    ['?marker=x', '2.40', 'marker [x] not found'],
    ['?colour=red', '2.75', "Additional properties are not allowed ('colour' was unexpected)"],
  ])('%s at %s is refused', async (query, version, message) => {
    const answer = await api.send('admin', 'GET', `${root}${query}`, { version });
    expect(answer.body).toEqual({ badRequest: { code: 400, message } });
  });

  test('of nobody is empty', async () => {
    expect((await api.send('admin', 'GET', root)).body).toEqual({ tenant_usages: [] });
    expect((await api.send('admin', 'GET', `${root}/nobody`)).body).toEqual({ tenant_usage: {} });
  });
});

describe('extensions', () => {
  test('are listed and shown', async () => {
    const { body } = await api.send('demo', 'GET', '/extensions');
    const one = body.extensions.find((extension: any) => extension.alias === 'os-migrate-server');
    expect((await api.send('demo', 'GET', '/extensions/os-migrate-server')).body).toEqual({ extension: one });
  });

  test("an unknown one is not found, in Nova's envelope", async () => {
    expect((await api.send('demo', 'GET', '/extensions/nosuch')).body).toEqual({
      itemNotFound: { code: 404, message: 'The resource could not be found.' },
    });
  });
});

test('lists of networks are empty until 2.35 and gone after', async () => {
  for (const [path, key] of [
    ['/os-networks', 'networks'],
    ['/os-tenant-networks', 'networks'],
    ['/os-security-groups', 'security_groups'],
    ['/os-floating-ips', 'floating_ips'],
  ] as const) {
    expect((await api.send('demo', 'GET', path, { version: '2.35' })).body).toEqual({ [key]: [] });
    expect((await api.send('demo', 'GET', path, { version: '2.36' })).status).toBe(404);
  }
});
