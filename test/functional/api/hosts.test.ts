import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServersFixture, missingId, type Answer, type ServersFixture } from './servers-fixture.ts';

/** Services, hypervisors and the old host list: three looks at the same rows. */
let api: ServersFixture;
beforeAll(async () => {
  api = await createServersFixture();
  await api.pool.query(
    `insert into services (binary_name, host, last_seen_at) values ('nova-scheduler', 'vm', now())`,
  );
  await api.pool.query(
    `insert into host_inventories (host_id, resource_class, total, reserved, max_unit, used)
     select id, class, 1000, reserved, 1000, used from hosts,
       (values ('VCPU', 0, 3), ('MEMORY_MB', 512, 192), ('DISK_GB', 1, 4)) as v (class, reserved, used)`,
  );
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.pool.query('delete from instances');
  await api.pool.query(
    `update services set disabled = false, disabled_reason = null, forced_down = false, last_seen_at = now()`,
  );
});

const get = (path: string, version = '2.1'): Promise<Answer> => api.send('admin', 'GET', path, { version });
const put = (path: string, body: object, version = '2.1'): Promise<Answer> =>
  api.send('admin', 'PUT', path, { body, version });
async function uuidOf(host: string): Promise<string> {
  const { rows } = await api.pool.query('select uuid from services where host = $1', [host]);
  return rows[0].uuid;
}

describe('services', () => {
  const compute1 = { host: 'compute1', binary: 'nova-compute' };

  test('can be listed by host and by binary', async () => {
    const names = async (query: string) =>
      (await get(`/os-services${query}`)).body.services.map((service: any) => service.host);
    expect(await names('?binary=nova-compute')).toEqual(['compute1', 'compute2', 'compute3']);
    expect(await names('?host=compute2')).toEqual(['compute2']);
    expect(await names('?host=compute2&binary=nova-scheduler')).toEqual([]);
  });

  test.each([
    ['seen just now', 'last_seen_at = now()', 'up'],
    ['not seen for an hour', `last_seen_at = now() - interval '1 hour'`, 'down'],
    ['never seen', 'last_seen_at = null', 'down'],
    ['forced down', 'forced_down = true', 'down'],
    ['disabled', 'disabled = true', 'up'],
  ])('a service that is %s is %s', async (_what, assignment, state) => {
    await api.pool.query(`update services set ${assignment} where host = 'compute1'`);
    expect((await get('/os-services?host=compute1')).body.services[0].state).toBe(state);
    expect((await get('/os-hypervisors/1')).body.hypervisor.state).toBe(state);
  });

  test.each([
    ['disable', compute1, { ...compute1, status: 'disabled' }],
    [
      'disable-log-reason',
      { ...compute1, disabled_reason: 'fan' },
      { ...compute1, status: 'disabled', disabled_reason: 'fan' },
    ],
    ['enable', compute1, { ...compute1, status: 'enabled' }],
  ])('before 2.53: PUT /os-services/%s', async (action, body, expected) => {
    expect((await put(`/os-services/${action}`, body)).body).toEqual({ service: expected });
  });

  test('before 2.53: force-down exists from 2.11 on', async () => {
    const body = { ...compute1, forced_down: 'true' };
    expect((await put('/os-services/force-down', body, '2.10')).status).toBe(400);
    expect((await put('/os-services/force-down', body, '2.11')).body).toEqual({
      service: { ...compute1, forced_down: true },
    });
  });

  test('from 2.53: PUT /os-services/{uuid}; enabling forgets the reason', async () => {
    const path = `/os-services/${await uuidOf('compute1')}`;
    const disabled = await put(path, { status: 'disabled', disabled_reason: 'fan' }, '2.53');
    expect(disabled.body.service).toMatchObject({ status: 'disabled', disabled_reason: 'fan' });
    const forced = await put(path, { forced_down: true }, '2.53');
    expect(forced.body.service).toMatchObject({ forced_down: true, state: 'down', disabled_reason: 'fan' });
    const enabled = await put(path, { status: 'enabled' }, '2.53');
    expect(enabled.body.service).toMatchObject({ status: 'enabled', disabled_reason: null });
  });

  test('a change tells schedulers through the host', async () => {
    const generation = async () =>
      (await api.pool.query(`select generation from hosts where name = 'compute1'`)).rows[0].generation;
    const before = await generation();
    await put('/os-services/disable', compute1);
    expect(await generation()).toBeGreaterThan(before);
  });

  test.each([
    ['nope', { status: 'enabled' }, 400, 'Invalid uuid nope'],
    [missingId, { status: 'enabled' }, 404, `Service ${missingId} could not be found.`],
    ['UUID', {}, 400, "No updates were requested. Fields 'status' or 'forced_down' should be specified."],
    [
      'UUID',
      { status: 'enabled', disabled_reason: 'x' },
      400,
      "Specifying 'disabled_reason' with status 'enabled' is invalid.",
    ],
  ])('PUT /os-services/%s %j is refused', async (id, body, status, message) => {
    const answer = await put(`/os-services/${id === 'UUID' ? await uuidOf('compute1') : id}`, body, '2.53');
    expect(Object.values(answer.body)).toEqual([{ code: status, message }]);
  });

  test.each([
    ['/os-services/disable', { host: 'nosuch', binary: 'nova-compute' }, 404],
    ['/os-services/paint', compute1, 404],
    ['/os-services/disable', { host: 'compute1' }, 400],
    ['/os-services/disable-log-reason', compute1, 400],
  ])('PUT %s %j is refused with %i', async (path, body, status) => {
    expect((await put(path, body)).status).toBe(status);
  });

  test('one with servers or moves is not deleted', async () => {
    const path = `/os-services/${await uuidOf('compute2')}`;
    const remove = () => api.send('admin', 'DELETE', path, { version: '2.53' });
    const server = await api.server({ host: 'compute1' });
    await api.finishedMigration(server);
    expect((await remove()).body.conflictingRequest.message).toContain('in-progress migrations');
    await api.pool.query(`update instances set host = 'compute2'`);
    expect((await remove()).body.conflictingRequest.message).toContain('hosting instances');
  });

  test('one that a server is being built on is not deleted: its claim is there before it is', async () => {
    const server = await api.server({ vm_state: 'building', task_state: 'spawning' });
    await api.pool.query(`update instances set host = null, node = null where uuid = $1`, [server]);
    await api.pool.query(
      `insert into claims (host_id, consumer_uuid, consumer_kind, instance_uuid, resource_class, amount)
       select id, $1, 'instance', $1, 'VCPU', 1 from hosts where name = 'compute3'`,
      [server],
    );
    const path = `/os-services/${await uuidOf('compute3')}`;
    const answer = await api.send('admin', 'DELETE', path, { version: '2.53' });
    expect(answer).toMatchObject({ status: 409 });
    expect(answer.body.conflictingRequest.message).toContain('hosting instances');
    await api.pool.query('delete from claims');
  });

  test('an idle one is deleted, with its host', async () => {
    await api.pool.query(
      `with s as (insert into services (binary_name, host) values ('nova-compute', 'old') returning id)
       insert into hosts (service_id, name, hypervisor_hostname, hypervisor_type, hypervisor_version, address,
         agent_version, boot_id, report_sequence, vcpus, memory_mb, local_gb)
       select id, 'old', 'old', 'fake', 1, '127.0.0.1', '0', 'b', 1, 1, 1, 1 from s`,
    );
    const id = await uuidOf('old');
    const remove = () => api.send('admin', 'DELETE', `/os-services/${id}`, { version: '2.53' });
    expect((await remove()).status).toBe(204);
    expect((await api.pool.query(`select from hosts where name = 'old'`)).rowCount).toBe(0);
    expect((await remove()).body.itemNotFound.message).toBe(`Service ${id} not found.`);
  });
});

describe('hypervisors', () => {
  test('show what is used with what is reserved, and their servers', async () => {
    await api.server({ host: 'compute1', task_state: 'resize_prep' });
    await api.server({ host: 'compute1' });
    const { hypervisor } = (await get('/os-hypervisors/1')).body;
    expect(hypervisor).toMatchObject({
      vcpus_used: 3,
      memory_mb_used: 704,
      local_gb_used: 5,
      running_vms: 2,
      current_workload: 1,
    });
    const { hypervisors } = (await get('/os-hypervisors/compute1/servers')).body;
    expect(hypervisors[0].servers).toHaveLength(2);
    expect(hypervisors[0].servers[0].name).toMatch(/^instance-[0-9a-f]{8}$/);
  });

  test('are paged from 2.33 on, by number and then by UUID', async () => {
    const { body } = await get('/os-hypervisors?limit=2', '2.33');
    expect(body.hypervisors).toHaveLength(2);
    expect(body.hypervisors_links[0].href).toMatch(/os-hypervisors\?limit=2&marker=2$/);
    const next = await get('/os-hypervisors?limit=2&marker=2', '2.33');
    expect(next.body.hypervisors).toHaveLength(1);
    expect(next.body).not.toHaveProperty('hypervisors_links');
    const by_uuid = await get('/os-hypervisors?limit=1', '2.53');
    const marker = by_uuid.body.hypervisors[0].id;
    const after = await get(`/os-hypervisors?limit=5&marker=${marker}`, '2.53');
    expect(after.body.hypervisors).toHaveLength(2);
  });

  test('are found by a part of their name', async () => {
    const { body } = await get('/os-hypervisors?hypervisor_hostname_pattern=PUTE2', '2.53');
    expect(body.hypervisors).toMatchObject([{ hypervisor_hostname: 'compute2' }]);
  });

  test.each([
    ['/os-hypervisors/99', '2.1', 404, "Hypervisor with ID '99' could not be found."],
    ['/os-hypervisors/compute1', '2.1', 404, "Hypervisor with ID 'compute1' could not be found."],
    ['/os-hypervisors/compute1', '2.53', 400, 'Invalid uuid compute1'],
    ['/os-hypervisors/none/search', '2.1', 404, "No hypervisor matching 'none' could be found."],
    [
      '/os-hypervisors?hypervisor_hostname_pattern=none',
      '2.53',
      404,
      "No hypervisor matching 'none' could be found.",
    ],
    ['/os-hypervisors?marker=99', '2.33', 400, 'marker [99] not found'],
    [
      '/os-hypervisors?colour=red',
      '2.75',
      400,
      "Additional properties are not allowed ('colour' was unexpected)",
    ],
    ['/os-hypervisors/statistics', '2.88', 404, 'The resource could not be found.'],
    ['/os-hypervisors/1/search', '2.53', 404, 'The resource could not be found.'],
  ])('GET %s at %s: %i', async (path, version, status, message) => {
    const answer = await get(path, version);
    expect(answer.status).toBe(status);
    expect(Object.values(answer.body)).toEqual([{ code: status, message }]);
  });
});

describe('hosts, until 2.42', () => {
  test('lists the enabled ones, of one zone if asked', async () => {
    await api.pool.query(`update services set disabled = true where host = 'compute2'`);
    const names = async (query: string) =>
      (await get(`/os-hosts${query}`)).body.hosts.map((host: any) => host.host_name);
    expect((await names('')).toSorted()).toEqual(['compute1', 'compute3', 'vm']);
    expect(await names('?zone=internal')).toEqual(['vm']);
    expect(await names('?zone=nova')).toEqual(['compute1', 'compute3']);
    expect(await names('?zone=moon')).toEqual([]);
  });

  test('shows what was promised to each project', async () => {
    await api.server({ host: 'compute1' });
    await api.server({ host: 'compute1' });
    const { body } = await get('/os-hosts/compute1');
    const line = (project: string, cpu: number, memory_mb: number, disk_gb: number) => ({
      resource: { host: 'compute1', project, cpu, memory_mb, disk_gb },
    });
    expect(body.host).toEqual([
      line('(total)', 1000, 800_000, 600_000),
      line('(used_now)', 3, 704, 5),
      line('(used_max)', 2, 128, 2),
      line(api.projectOf('admin'), 2, 128, 2),
    ]);
  });

  test('enables and disables the compute service', async () => {
    const status = async () => (await get('/os-services?host=compute3')).body.services[0].status;
    expect((await put('/os-hosts/compute3', { status: 'disable' })).body).toEqual({
      host: 'compute3',
      status: 'disabled',
    });
    expect(await status()).toBe('disabled');
    await put('/os-hosts/compute3', { status: 'Enable' });
    expect(await status()).toBe('enabled');
  });

  test.each([
    ['GET', '/os-hosts/nosuch', undefined, 404, "Host 'nosuch' is not mapped to any cell"],
    ['PUT', '/os-hosts/nosuch', { status: 'enable' }, 404, "Host 'nosuch' is not mapped to any cell"],
    ['GET', '/os-hosts/nosuch/reboot', undefined, 404, "Host 'nosuch' is not mapped to any cell"],
    [
      'GET',
      '/os-hosts/compute1/reboot',
      undefined,
      400,
      "The host action 'reboot' is not supported by this deployment.",
    ],
    [
      'PUT',
      '/os-hosts/compute1',
      { maintenance_mode: 'enable' },
      400,
      "The host action 'maintenance_mode' is not supported by this deployment.",
    ],
    [
      'PUT',
      '/os-hosts/compute1',
      { status: 'off' },
      400,
      "Invalid input for field/attribute status. Value: off. 'off' is not one of ['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE']",
    ],
  ] as const)('%s %s %j: %i', async (method, path, body, status, message) => {
    const answer = await api.send('admin', method, path, body === undefined ? {} : { body });
    expect(Object.values(answer.body)).toEqual([{ code: status, message }]);
  });

  test('is gone from 2.43 on', async () => {
    for (const path of ['/os-hosts', '/os-hosts/compute1', '/os-hosts/compute1/reboot'])
      expect((await get(path, '2.43')).status).toBe(404);
    expect((await put('/os-hosts/compute1', { status: 'enable' }, '2.43')).status).toBe(404);
  });
});
