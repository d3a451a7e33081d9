import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createServersFixture,
  imageId,
  missingId,
  type Actor,
  type Answer,
  type ServersFixture,
} from './servers-fixture.ts';

let fixture: ServersFixture;
beforeAll(async () => {
  fixture = await createServersFixture();
});
afterAll(async () => {
  await fixture.close();
});
beforeEach(async () => {
  await fixture.pool.query('delete from instances');
  await fixture.pool.query('delete from quotas');
});

const message = (answer: Answer): string => (Object.values(answer.body ?? {})[0] as any)?.message;
const ids = (answer: Answer): string[] => answer.body.servers.map((server: any) => server.id);
const names = (answer: Answer): string[] => answer.body.servers.map((server: any) => server.name);
const create = (actor: Actor, server: object, version = '2.37', more: object = {}) =>
  fixture.send(actor, 'POST', '/servers', {
    version,
    body: {
      server: { name: 'g', flavorRef: '42', imageRef: imageId, networks: 'none', ...server },
      ...more,
    },
  });

describe('who may do what', () => {
  /** Route × role → status. The server is demo's; a body that is refused later says that the policy let it pass. */
  const rows: readonly (readonly [string, string, object | undefined, string, Record<Actor, number>])[] = [
    ['GET', '/servers', undefined, '2.1', { admin: 200, demo: 200, rhea: 200, alice: 200 }],
    ['GET', '/servers?all_tenants=1', undefined, '2.1', { admin: 200, demo: 403, rhea: 403, alice: 403 }],
    [
      'GET',
      '/servers/detail?all_tenants=1',
      undefined,
      '2.1',
      { admin: 200, demo: 403, rhea: 403, alice: 403 },
    ],
    ['GET', '/servers/$', undefined, '2.1', { admin: 200, demo: 200, rhea: 200, alice: 404 }],
    ['PUT', '/servers/$', { server: { name: 'n' } }, '2.1', { admin: 200, demo: 200, rhea: 200, alice: 404 }],
    ['GET', '/servers/$/metadata', undefined, '2.1', { admin: 200, demo: 200, rhea: 200, alice: 404 }],
    [
      'POST',
      '/servers/$/metadata',
      { metadata: {} },
      '2.1',
      { admin: 200, demo: 200, rhea: 200, alice: 404 },
    ],
    ['GET', '/servers/$/tags', undefined, '2.26', { admin: 200, demo: 200, rhea: 200, alice: 404 }],
    ['GET', '/servers/$/ips', undefined, '2.1', { admin: 200, demo: 200, rhea: 200, alice: 404 }],
    ['GET', '/servers/$/os-interface', undefined, '2.1', { admin: 200, demo: 200, rhea: 200, alice: 404 }],
    [
      'GET',
      '/servers/$/os-volume_attachments',
      undefined,
      '2.1',
      { admin: 200, demo: 200, rhea: 200, alice: 404 },
    ],
    [
      'GET',
      '/servers/$/os-security-groups',
      undefined,
      '2.1',
      { admin: 200, demo: 200, rhea: 200, alice: 404 },
    ],
    ['GET', '/servers/$/topology', undefined, '2.78', { admin: 200, demo: 200, rhea: 200, alice: 404 }],
    ['GET', '/servers/$/diagnostics', undefined, '2.1', { admin: 400, demo: 403, rhea: 403, alice: 404 }],
    [
      'GET',
      '/servers/$/os-instance-actions',
      undefined,
      '2.1',
      { admin: 200, demo: 200, rhea: 200, alice: 404 },
    ],
    ['GET', '/servers/$/migrations', undefined, '2.23', { admin: 200, demo: 403, rhea: 403, alice: 404 }],
    ['GET', '/servers/$/migrations/1', undefined, '2.23', { admin: 404, demo: 403, rhea: 403, alice: 404 }],
    [
      'DELETE',
      '/servers/$/migrations/1',
      undefined,
      '2.24',
      { admin: 409, demo: 403, rhea: 403, alice: 404 },
    ],
    ['GET', '/os-migrations', undefined, '2.1', { admin: 200, demo: 403, rhea: 403, alice: 403 }],
    ['POST', '/servers/$/action', { migrate: null }, '2.1', { admin: 202, demo: 403, rhea: 403, alice: 404 }],
    [
      'POST',
      '/servers/$/action',
      { 'os-resetState': { state: 'error' } },
      '2.1',
      { admin: 202, demo: 403, rhea: 403, alice: 404 },
    ],
    [
      'POST',
      '/servers/$/action',
      { 'os-migrateLive': { host: null, block_migration: 'auto' } },
      '2.30',
      { admin: 400, demo: 403, rhea: 403, alice: 404 },
    ],
    ['POST', '/servers/$/action', { evacuate: {} }, '2.29', { admin: 400, demo: 403, rhea: 403, alice: 404 }],
    [
      'POST',
      '/servers/$/action',
      { confirmResize: null },
      '2.1',
      { admin: 409, demo: 409, rhea: 409, alice: 404 },
    ],
    ['POST', '/servers/$/action', { lock: null }, '2.1', { admin: 202, demo: 202, rhea: 202, alice: 404 }],
    [
      'POST',
      '/servers/$/action',
      { 'os-stop': null },
      '2.1',
      { admin: 202, demo: 202, rhea: 202, alice: 404 },
    ],
    ['DELETE', '/servers/$', undefined, '2.1', { admin: 204, demo: 204, rhea: 204, alice: 404 }],
    ['GET', '/os-keypairs', undefined, '2.1', { admin: 200, demo: 200, rhea: 200, alice: 200 }],
  ];

  it.each(rows)('%s %s %j', async (method, path, body, version, expected) => {
    for (const actor of Object.keys(expected) as Actor[]) {
      const server = await fixture.server({ project_id: fixture.projectOf('demo') });
      const answer = await fixture.send(actor, method as 'GET', path.replace('$', server), {
        version,
        ...(body === undefined ? {} : { body }),
      });
      expect([actor, answer.status]).toEqual([actor, expected[actor]]);
    }
  });

  it.each(rows)('nobody without a token: %s %s %j', async (method, path, body, version) => {
    const answer = await fixture.send(null, method as 'GET', path.replace('$', missingId), {
      version,
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.status).toBe(401);
  });
});

describe('lists', () => {
  it('show the own project, newest first, and page by marker without loss', async () => {
    const made: string[] = [];
    // times within one millisecond: a marker that was rounded would skip some
    for (let index = 0; index < 6; index += 1)
      made.unshift(await fixture.server({ created_at: `2026-11-21T08:00:00.00000${index}Z` }));
    await fixture.server({ project_id: fixture.projectOf('demo') });
    expect(ids(await fixture.send('admin', 'GET', '/servers'))).toEqual(made);
    const paged: string[] = [];
    let path = '/servers/detail?limit=2';
    for (;;) {
      const page = await fixture.send('admin', 'GET', path);
      paged.push(...ids(page));
      const next = page.body.servers_links?.[0]?.href;
      if (next === undefined) break;
      path = next.slice(next.indexOf('/servers'));
    }
    expect(paged).toEqual(made);
  });

  it.each([
    ['name=^b', ['beta']],
    ['name=a$', ['beta', 'alpha']],
    ['status=SHUTOFF', ['beta']],
    ['status=ACTIVE&status=SHUTOFF', ['beta', 'alpha']],
    ['status=RESIZE', []],
    ['status=SHELVED', []],
    ['vm_state=stopped', ['beta']],
    ['power_state=4', ['beta']],
    ['power_state=x', []],
    ['host=compute1', ['alpha']],
    ['node=pute2', ['beta']],
    ['flavor=nosuch', []],
    ['image=x', []],
    ['deleted=1', ['gone']],
    ['status=DELETED', ['gone']],
    ['changes-since=2020-01-01T00:00:00Z', ['gone', 'beta', 'alpha']],
    ['sort_key=display_name&sort_dir=asc', ['alpha', 'beta']],
    ['sort_key=task_state&sort_dir=asc&sort_key=display_name&sort_dir=desc', ['beta', 'alpha']],
    ['sort_key=architecture', ['beta', 'alpha']],
    ['limit=1', ['beta']],
    ['limit=0', []],
    ['bogus=1', ['beta', 'alpha']],
    ['ip=10', []],
    ['uuid=x', []],
    ['created_at=x', []],
  ])('?%s', async (query, wanted) => {
    await fixture.server({ name: 'alpha', created_at: '2026-11-21T08:00:00Z' });
    await fixture.server({
      name: 'beta',
      created_at: '2026-11-21T08:00:01Z',
      vm_state: 'stopped',
      power_state: 4,
      host: 'compute2',
      node: 'compute2',
    });
    await fixture.server({
      name: 'gone',
      created_at: '2026-11-21T08:00:02Z',
      vm_state: 'deleted',
      deleted_at: 'now',
    });
    for (const path of ['/servers', '/servers/detail'])
      expect(names(await fixture.send('admin', 'GET', `${path}?${query}`))).toEqual(wanted);
  });

  it.each([
    ['status=BOGUS', '2.38', 'Invalid status value'],
    [
      'limit=-1',
      '2.1',
      "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'",
    ],
    ['bogus=1', '2.75', "'bogus' does not match any of the regexes: '^_'"],
    [`marker=${missingId}`, '2.1', `marker [${missingId}] not found`],
    ['marker=x', '2.1', 'marker [x] not found'],
    [
      'changes-since=bogus',
      '2.1',
      "Invalid input for query parameters changes-since. Value: bogus. 'bogus' is not a 'date-time'",
    ],
    ['name=[', '2.1', "Invalid filter field: 'name' is no valid regular expression: ["],
    [
      'locked=perhaps',
      '2.73',
      "Unrecognized value 'perhaps', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
    ],
  ])('?%s at %s is refused', async (query, version, text) => {
    const answer = await fixture.send('admin', 'GET', `/servers?${query}`, { version });
    expect([answer.status, message(answer)]).toEqual([400, text]);
  });

  it('drop filters that only administrators have', async () => {
    const own = await fixture.server({ project_id: fixture.projectOf('demo') });
    expect(ids(await fixture.send('demo', 'GET', '/servers?host=elsewhere&deleted=1'))).toEqual([own]);
  });

  it('tell the state of the host', async () => {
    const server = await fixture.server();
    const shown = async () =>
      (await fixture.send('admin', 'GET', `/servers/${server}`, { version: '2.16' })).body.server.host_status;
    const set = (columns: string) =>
      fixture.pool.query(`update services set ${columns} where host = 'compute1'`);
    expect(await shown()).toBe('UP');
    await set('disabled = true');
    expect(await shown()).toBe('MAINTENANCE');
    await set(`last_seen_at = now() - interval '2 minutes'`);
    expect(await shown()).toBe('UNKNOWN');
    await set('forced_down = true');
    expect(await shown()).toBe('DOWN');
    await set('forced_down = false, disabled = false, last_seen_at = now()');
  });
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

describe('metadata and tags', () => {
  it('keeps both of two changes at once, and the quota', async () => {
    const server = await fixture.server();
    const path = `/servers/${server}/metadata`;
    await Promise.all(
      ['a', 'b', 'c'].map((key) =>
        fixture.send('admin', 'POST', path, { body: { metadata: { [key]: key } } }),
      ),
    );
    expect((await fixture.send('admin', 'GET', path)).body).toEqual({ metadata: { a: 'a', b: 'b', c: 'c' } });
    await fixture.pool.query(`insert into quotas values ($1, 'metadata_items', 3)`, [
      fixture.projectOf('admin'),
    ]);
    const answer = await fixture.send('admin', 'PUT', `${path}/d`, { body: { meta: { d: '4' } } });
    expect([answer.status, message(answer)]).toEqual([403, 'Maximum number of metadata items exceeds 3']);
  });

  it('tags once', async () => {
    const server = await fixture.server();
    const put = () => fixture.send('admin', 'PUT', `/servers/${server}/tags/y`, { version: '2.26' });
    expect([(await put()).status, (await put()).status]).toEqual([201, 204]);
    expect((await fixture.send('admin', 'GET', `/servers/${server}/tags`, { version: '2.26' })).body).toEqual(
      { tags: ['y'] },
    );
  });
});

describe('keypairs', () => {
  it('are made, imported, listed and deleted', async () => {
    const made = await fixture.send('demo', 'POST', '/os-keypairs', {
      version: '2.2',
      body: { keypair: { name: 'k' } },
    });
    expect(made.status).toBe(201);
    expect(made.body.keypair.private_key).toContain('BEGIN RSA PRIVATE KEY');
    const { public_key, fingerprint } = made.body.keypair;
    const imported = await fixture.send('demo', 'POST', '/os-keypairs', {
      body: { keypair: { name: 'copy', public_key } },
    });
    expect([imported.status, imported.body.keypair.fingerprint]).toEqual([200, fingerprint]);
    const twice = await fixture.send('demo', 'POST', '/os-keypairs', {
      body: { keypair: { name: 'k', public_key } },
    });
    expect([twice.status, message(twice)]).toEqual([409, "Key pair 'k' already exists."]);
    const listed = await fixture.send('demo', 'GET', '/os-keypairs');
    expect(listed.body.keypairs.map((entry: any) => entry.keypair.name)).toEqual(['copy', 'k']);
    expect((await fixture.send('alice', 'GET', '/os-keypairs/k')).status).toBe(404);
    expect(
      (
        await fixture.send('alice', 'GET', `/os-keypairs?user_id=${fixture.userOf('demo')}`, {
          version: '2.10',
        })
      ).status,
    ).toBe(403);
    expect((await fixture.send('demo', 'DELETE', '/os-keypairs/k')).status).toBe(202);
    expect((await fixture.send('demo', 'DELETE', '/os-keypairs/k')).status).toBe(404);
  });
});

describe('nothing that a client sends ends in a 5xx', () => {
  const odd = [
    'x'.repeat(300),
    "';--",
    '%F0%9F%92%A9',
    '..%2F..%2Fetc',
    '-1',
    '99999999999999999999',
    '1e9',
    '%25',
  ];
  it.each(odd)('%s in a path or a query', async (text) => {
    const server = await fixture.server();
    for (const path of [
      `/servers/${text}`,
      `/servers/${text}/migrations/${text}`,
      `/servers/${server}/migrations/${text}`,
      `/servers/${server}/os-instance-actions/${text}`,
      `/servers/${server}/metadata/${text}`,
      `/servers/${server}/tags/${text}`,
      `/servers/${server}/ips/${text}`,
      `/os-keypairs/${text}`,
      ...[
        'limit',
        'marker',
        'name',
        'uuid',
        'image',
        'launched_at',
        'progress',
        'sort_key',
        'changes-since',
        'tags',
      ].map((name) => `/servers/detail?${name}=${text}`),
      ...['limit', 'marker', 'instance_uuid', 'host', 'changes-since'].map(
        (name) => `/os-migrations?${name}=${text}`,
      ),
    ])
      for (const version of ['2.1', '2.93'])
        expect([path, (await fixture.send('admin', 'GET', path, { version })).status < 500]).toEqual([
          path,
          true,
        ]);
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
