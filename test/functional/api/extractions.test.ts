import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServersFixture, missingId, type Actor, type ServersFixture } from './servers-fixture.ts';

let fixture: ServersFixture;
beforeAll(async () => {
  fixture = await createServersFixture();
});
afterAll(async () => {
  await fixture.close();
});

const drover = (method: 'GET' | 'POST', path: string, body?: unknown, actor: Actor | null = 'demo') =>
  fixture.send(actor, method, path, { root: '/drover/v1', ...(body === undefined ? {} : { body }) });
const act = (server: string, body: unknown, version = '2.1') =>
  fixture.send('demo', 'POST', `/servers/${server}/action`, { body, version });
const own = (columns: Readonly<Record<string, unknown>> = {}) =>
  fixture.server({ project_id: fixture.projectOf('demo'), ...columns });
const stateOf = async (server: string) =>
  (
    await fixture.pool.query<Record<string, unknown>>(
      `select i.task_state, o.kind, o.state, o.request, o.cancel_requested_at is not null as is_cancelled,
              (select action from instance_actions a where a.id = o.action_id) as action
       from instances i left join operations o on o.instance_uuid = i.uuid where i.uuid = $1`,
      [server],
    )
  ).rows[0];

describe('createImage, as Nova has it', () => {
  test.each([
    ['2.1', false],
    ['2.45', true],
  ])('at %s', async (version, has_body) => {
    const server = await own();
    const answer = await act(
      server,
      { createImage: { name: 'snap', metadata: { purpose: 'test' } } },
      version,
    );
    expect(answer.status).toBe(202);
    const id = String(answer.headers['location']).split('/').at(-1) ?? '';
    expect(answer.text === '' ? undefined : answer.body).toEqual(has_body ? { image_id: id } : undefined);
    expect(await stateOf(server)).toMatchObject({
      task_state: 'image_snapshot_pending',
      kind: 'extract',
      action: 'createImage',
      request: { extract: { image_id: id, disk_format: 'qcow2' } },
    });
    const image = await fixture.send('demo', 'GET', `/v2/images/${id}`, { root: '/image' });
    expect(image.body).toMatchObject({
      name: 'snap',
      status: 'queued',
      visibility: 'private',
      disk_format: 'qcow2',
      owner: fixture.projectOf('demo'),
      purpose: 'test',
      image_type: 'snapshot',
      instance_uuid: server,
    });
  });

  test('a lock is no hindrance: nothing about the server changes', async () => {
    const server = await own({ locked_by: 'admin' });
    expect((await act(server, { createImage: { name: 'x' } })).status).toBe(202);
  });

  test("says that it cannot in Nova's words", async () => {
    const server = await own({ vm_state: 'error' });
    expect((await act(server, { createImage: { name: 'x' } })).text).toContain(
      `Cannot 'createImage' instance ${server} while it is in vm_state error`,
    );
  });

  test.each([
    ['no name', { createImage: {} }, {}, 400],
    ['metadata that is no text', { createImage: { name: 'x', metadata: { a: 1 } } }, {}, 400],
    ['a server that is busy', { createImage: { name: 'x' } }, { task_state: 'powering-off' }, 409],
    ['a server in ERROR', { createImage: { name: 'x' } }, { vm_state: 'error' }, 409],
  ])('refuses %s', async (_, body, columns, status) => {
    const server = await own(columns);
    expect((await act(server, body)).status).toBe(status);
    expect((await stateOf(server))?.['kind']).toBeNull();
  });
});

describe('/drover/v1/images', () => {
  test.each(['raw', 'qcow2', 'vmdk', 'vhdx', 'vhd'])('as %s, and called back', async (disk_format) => {
    const server = await own({ vm_state: 'stopped', power_state: 4 });
    const answer = await drover('POST', '/images', { server, name: 'golden', disk_format });
    expect(answer.status).toBe(202);
    expect(answer.body.image).toMatchObject({
      name: 'golden',
      status: 'queued',
      disk_format,
      server_id: server,
      operation: { state: 'running' },
    });
    const { id } = answer.body.image as { id: string };
    expect((await drover('GET', `/images/${id}`)).body.image).toMatchObject({ id, progress_percent: 0 });
    for (const _ of [1, 2]) expect((await drover('POST', `/images/${id}/cancel`)).status).toBe(202);
    expect(await stateOf(server)).toMatchObject({ is_cancelled: true });
    // Once it is over there is nothing to call back.
    await fixture.pool.query(`update operations set state = 'done' where instance_uuid = $1`, [server]);
    expect((await drover('POST', `/images/${id}/cancel`)).status).toBe(409);
  });

  test('is for those who may make images of the server, and tells others nothing', async () => {
    const server = await own();
    const body = { server, name: 'mine' };
    expect((await drover('POST', '/images', body, 'alice')).status).toBe(404);
    const { id } = (await drover('POST', '/images', body)).body.image as { id: string };
    expect((await drover('GET', `/images/${id}`, undefined, 'alice')).status).toBe(404);
    expect((await drover('POST', `/images/${id}/cancel`, undefined, 'alice')).status).toBe(404);
    expect((await drover('GET', `/images/${id}`, undefined, 'admin')).status).toBe(200);
    expect((await drover('GET', `/images/${missingId}`)).status).toBe(404);
    expect((await drover('GET', '/images/%27--')).status).toBe(404);
    expect((await drover('POST', '/images', { ...body, disk_format: 'iso' })).status).toBe(400);
  });
});

test('a server is not made of an image in the format of another product', async () => {
  const { rows } = await fixture.pool.query<{ id: string }>(
    `insert into images (id, name, status, visibility, disk_format, container_format, size_bytes)
     values (gen_random_uuid(), 'foreign', 'active', 'public', 'vmdk', 'bare', 1) returning id`,
  );
  const flavors = (await fixture.send('demo', 'GET', '/flavors')).body.flavors as Array<{ id: string }>;
  const server = { name: 'vm', imageRef: rows[0]?.id, flavorRef: flavors[0]?.id };
  const answer = await fixture.send('demo', 'POST', '/servers', { body: { server } });
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('is unacceptable: its disk format is vmdk');
});
