import { beforeEach, describe, expect, it } from 'vitest';
import { create, fixture, message, useServersFixture } from './server-requests.ts';
import { imageId, missingId, type Actor } from './servers-fixture.ts';

useServersFixture();
beforeEach(async () => {
  await fixture.pool.query('delete from instances');
  await fixture.pool.query('delete from quotas');
});

describe('create', () => {
  it('writes instance, action and operation, and answers with a password and a location', async () => {
    const answer = await create('demo', { name: 'My Server', metadata: { a: '1' } });
    expect(answer.status).toBe(202);
    const { id } = answer.body.server;
    expect(Object.keys(answer.body.server)).toEqual([
      'id',
      'links',
      'OS-DCF:diskConfig',
      'security_groups',
      'adminPass',
    ]);
    expect(answer.body.server.adminPass).toMatch(/^[A-Za-z0-9]{12}$/);
    expect(answer.headers['location']).toMatch(new RegExp(`/v2.1/servers/${id}$`));
    const { rows } = await fixture.pool.query(
      `select i.vm_state, i.task_state, i.hostname, i.metadata, i.host, i.flavor->>'flavor_id' as flavor, o.kind, o.request,
              a.action, w.routing_key
       from instances i join operations o on o.instance_uuid = i.uuid join instance_actions a on a.id = o.action_id
       join outbox w on w.message->>'operation_id' = o.id::text where i.uuid = $1`,
      [id],
    );
    expect(rows).toEqual([
      {
        vm_state: 'building',
        task_state: 'scheduling',
        hostname: 'my-server',
        metadata: { a: '1' },
        host: null,
        flavor: '42',
        kind: 'create',
        request: {},
        action: 'create',
        routing_key: 'wake',
      },
    ]);
    const shown = await fixture.send('demo', 'GET', `/servers/${id}`);
    expect(shown.body.server).toMatchObject({ status: 'BUILD', hostId: '', addresses: {}, progress: 0 });
  });

  it.each([
    ['az:host', { availability_zone: 'nova:compute2' }, '2.37', { forced_host: 'compute2' }],
    ['host', { host: 'compute3' }, '2.74', { host: 'compute3' }],
    ['hypervisor_hostname', { hypervisor_hostname: 'compute3' }, '2.74', { host: 'compute3' }],
  ])('hands %s to the scheduler', async (_name, columns, version, request) => {
    expect((await create('admin', columns, version)).status).toBe(202);
    const { rows } = await fixture.pool.query('select request from operations');
    expect(rows.map((row) => row.request)).toEqual([request]);
  });

  it('makes several, named and counted, under one reservation', async () => {
    const answer = await create('demo', { min_count: 3, return_reservation_id: true });
    expect(answer.body).toEqual({ reservation_id: expect.stringMatching(/^r-[a-z0-9]{8}$/) });
    const { rows } = await fixture.pool.query(
      'select name, launch_index, reservation_id from instances order by name',
    );
    expect(rows).toEqual(
      [1, 2, 3].map((number) => ({ name: `g-${number}`, launch_index: number - 1, ...answer.body })),
    );
  });

  it('never gives out more than the quota, however many ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 14 }, () => create('demo', {})));
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(10);
    expect(answers.filter((answer) => answer.status === 403).map(message)).toEqual(
      Array.from(
        { length: 4 },
        () => 'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances',
      ),
    );
  });

  it.each([
    [{ host: 'nosuch' }, '2.74', 'admin', 400, 'Compute host nosuch could not be found.'],
    [
      { host: 'compute1' },
      '2.74',
      'demo',
      403,
      "Policy doesn't allow compute:servers:create:requested_destination to be performed.",
    ],
    [
      { availability_zone: 'nova:compute1' },
      '2.37',
      'demo',
      403,
      "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.",
    ],
    [{ availability_zone: 'mars' }, '2.37', 'demo', 400, 'The requested availability zone is not available'],
    [{ flavorRef: 'nosuch' }, '2.37', 'demo', 400, 'Flavor nosuch could not be found.'],
    [{ imageRef: missingId }, '2.37', 'demo', 400, 'Can not find requested image'],
    [{ imageRef: '' }, '2.37', 'demo', 400, 'Invalid imageRef provided.'],
    [{ networks: [{ uuid: missingId }] }, '2.37', 'demo', 400, `Network ${missingId} could not be found.`],
    [{ networks: [{ port: missingId }] }, '2.37', 'demo', 400, `Port id ${missingId} could not be found.`],
    [{ key_name: 'nosuch' }, '2.37', 'demo', 400, 'Invalid key_name provided.'],
    [{ min_count: 3, max_count: 2 }, '2.37', 'demo', 400, 'min_count must be <= max_count'],
    [
      { flavorRef: 'zero' },
      '2.37',
      'demo',
      403,
      'Only volume-backed servers are allowed for flavors with zero disk.',
    ],
  ])('refuses %j at %s as %s', async (columns, version, actor, status, text) => {
    const answer = await create(actor as Actor, columns, version);
    expect([answer.status, message(answer)]).toEqual([status, text]);
    const { rows } = await fixture.pool.query('select from instances');
    expect(rows).toHaveLength(0);
  });

  it('knows groups of the own project only', async () => {
    const answer = await create('demo', {}, '2.37', { 'os:scheduler_hints': { group: missingId } });
    expect([answer.status, message(answer)]).toEqual([
      400,
      `Instance group ${missingId} could not be found.`,
    ]);
    const bad = await create('demo', {}, '2.37', { 'os:scheduler_hints': { group: 'abc' } });
    expect(message(bad)).toBe("Invalid input for field/attribute group. Value: abc. 'abc' is not a 'uuid'");
  });
});

describe('an image whose disk is larger than its file', () => {
  it.each([
    [2, 400],
    [1, 202],
  ])('with %d GiB inside gets %d with a flavor of 1 GiB', async (gibibytes, status) => {
    await fixture.pool.query(`update images set virtual_size_bytes = $1 where id = $2`, [
      gibibytes * 1024 ** 3,
      imageId,
    ]);
    const answer = await create('demo', {});
    await fixture.pool.query(`update images set virtual_size_bytes = null where id = $1`, [imageId]);
    expect(answer.status).toBe(status);
    if (status === 400)
      expect(message(answer)).toBe(
        "Flavor's disk is too small for requested image. " +
          'Flavor disk is 1073741824 bytes, image is 2147483648 bytes.',
      );
  });
});
