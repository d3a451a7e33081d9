import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServersFixture, missingId, type Answer, type ServersFixture } from './servers-fixture.ts';

let api: ServersFixture;
beforeAll(async () => {
  api = await createServersFixture();
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.pool.query('delete from aggregate_hosts');
  await api.pool.query('delete from aggregates');
  await api.pool.query('delete from instances');
  await api.pool.query('update services set disabled = false');
});

async function made(name: string, zone?: string): Promise<number> {
  const body = { aggregate: { name, ...(zone === undefined ? {} : { availability_zone: zone }) } };
  return (await api.send('admin', 'POST', '/os-aggregates', { body })).body.aggregate.id;
}
const act = (id: number | string, body: unknown, version = '2.1'): Promise<Answer> =>
  api.send('admin', 'POST', `/os-aggregates/${id}/action`, { body, version });
const change = (id: number, aggregate: object): Promise<Answer> =>
  api.send('admin', 'PUT', `/os-aggregates/${id}`, { body: { aggregate } });
async function generations(): Promise<Record<string, number>> {
  const { rows } = await api.pool.query('select name, generation from hosts');
  return Object.fromEntries(rows.map((row) => [row.name, row.generation]));
}
async function zones(): Promise<Record<string, boolean>> {
  const { body } = await api.send('demo', 'GET', '/os-availability-zone');
  return Object.fromEntries(
    body.availabilityZoneInfo.map((zone: any) => [zone.zoneName, zone.zoneState.available]),
  );
}

describe('an aggregate', () => {
  test('keeps its hosts in the order in which they came', async () => {
    const id = await made('a');
    await act(id, { add_host: { host: 'compute3' } });
    const answer = await act(id, { add_host: { host: 'compute1' } }, '2.41');
    expect(answer.status).toBe(200);
    expect(answer.body.aggregate).toMatchObject({
      id,
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      hosts: ['compute3', 'compute1'],
      availability_zone: null,
    });
    expect((await api.send('admin', 'GET', '/os-aggregates')).body.aggregates[0].hosts).toEqual([
      'compute3',
      'compute1',
    ]);
  });

  test('takes metadata key by key; null takes a key away', async () => {
    const id = await made('a');
    await act(id, { set_metadata: { metadata: { ssd: 'true', rack: '4' } } });
    const answer = await act(id, { set_metadata: { metadata: { rack: null, gpu: '1' } } });
    expect(answer.body.aggregate).toMatchObject({ metadata: { ssd: 'true', gpu: '1' } });
    expect(answer.body.aggregate.updated_at).not.toBeNull();
  });

  test('can be renamed, zoned, emptied and deleted', async () => {
    const id = await made('a');
    await act(id, { add_host: { host: 'compute1' } });
    expect((await change(id, { name: 'b', availability_zone: 'east' })).body.aggregate).toMatchObject({
      name: 'b',
      availability_zone: 'east',
      metadata: { availability_zone: 'east' },
    });
    expect(await zones()).toEqual({ east: true, nova: true });
    const refused = await api.send('admin', 'DELETE', `/os-aggregates/${id}`);
    expect(refused.body).toEqual({
      badRequest: {
        code: 400,
        message: `Cannot remove host from aggregate ${id}. Reason: Host aggregate is not empty.`,
      },
    });
    await act(id, { remove_host: { host: 'compute1' } });
    expect((await api.send('admin', 'DELETE', `/os-aggregates/${id}`)).status).toBe(200);
    expect(await zones()).toEqual({ nova: true });
  });

  test('takes a wish for images from 2.81 on', async () => {
    const id = await made('a');
    const path = `/os-aggregates/${id}/images`;
    const body = { cache: [{ id: missingId }] };
    expect((await api.send('admin', 'POST', path, { body, version: '2.80' })).status).toBe(404);
    expect((await api.send('admin', 'POST', path, { body, version: '2.81' })).status).toBe(202);
    const twice = { cache: [{ id: missingId }, { id: missingId }] };
    const refused = await api.send('admin', 'POST', path, { body: twice, version: '2.81' });
    expect(refused.body.badRequest.message).toBe('Duplicate images in request');
  });

  test.each([
    ['name', { name: 'renamed' }],
    ['zone', { availability_zone: 'east' }],
  ])('tells schedulers of a changed %s through its hosts, and only those', async (_what, aggregate) => {
    const id = await made('a');
    await act(id, { add_host: { host: 'compute2' } });
    const before = await generations();
    await change(id, aggregate);
    const after = await generations();
    expect(after['compute2']).toBeGreaterThan(before['compute2']!);
    expect(after['compute1']).toBe(before['compute1']);
  });

  test('tells schedulers of members that come and go', async () => {
    const id = await made('a');
    const first = await generations();
    await act(id, { add_host: { host: 'compute2' } });
    const second = await generations();
    await act(id, { remove_host: { host: 'compute2' } });
    const third = await generations();
    expect(second['compute2']).toBeGreaterThan(first['compute2']!);
    expect(third['compute2']).toBeGreaterThan(second['compute2']!);
  });
});

describe('the rules of zones', () => {
  test('a host is in one zone only', async () => {
    const east = await made('e', 'east');
    const west = await made('w', 'west');
    await act(east, { add_host: { host: 'compute1' } });
    expect((await act(west, { add_host: { host: 'compute1' } })).body).toEqual({
      conflictingRequest: {
        code: 409,
        message: `Cannot add host to aggregate ${west}. Reason: One or more hosts already in availability zone(s) ['east'].`,
      },
    });
    const plain = await made('p');
    expect((await act(plain, { add_host: { host: 'compute1' } })).status).toBe(200);
    const reason = "Reason: One or more hosts already in availability zone(s) ['east'].";
    expect((await change(plain, { availability_zone: 'west' })).body.badRequest.message).toBe(
      `Cannot update aggregate ${plain}. ${reason}`,
    );
    const metadata = { set_metadata: { metadata: { availability_zone: 'west' } } };
    expect((await act(plain, metadata)).body.badRequest.message).toBe(
      `Cannot update metadata of aggregate ${plain}. ${reason}`,
    );
    // The same zone twice is no contradiction.
    expect((await change(plain, { availability_zone: 'east' })).status).toBe(200);
  });

  test('two requests at once do not put a host into two zones', async () => {
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map((name) => made(name, `zone-${name}`)));
    const answers = await Promise.all(ids.map((id) => act(id, { add_host: { host: 'compute1' } })));
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 409, 409, 409]);
  });

  test('a zone does not change under servers, and a refused change changes nothing', async () => {
    const id = await made('a', 'east');
    await act(id, { add_host: { host: 'compute1' } });
    await api.server({ host: 'compute1' });
    const answer = await change(id, { name: 'b', availability_zone: 'west' });
    expect(answer.body.badRequest.message).toBe(
      `Cannot update aggregate ${id}. Reason: One or more hosts contain instances in this zone.`,
    );
    expect((await api.send('admin', 'GET', `/os-aggregates/${id}`)).body.aggregate).toMatchObject({
      name: 'a',
      availability_zone: 'east',
    });
    expect((await change(id, { availability_zone: 'east' })).status).toBe(200);
  });

  test('a zone has a name', async () => {
    const id = await made('a', 'east');
    expect((await change(id, { availability_zone: null })).body.badRequest.message).toBe(
      `Cannot update aggregate ${id}. Reason: Aggregate a does not support empty named availability zone.`,
    );
  });

  test('a zone whose services are all disabled is not available', async () => {
    const id = await made('a', 'east');
    await act(id, { add_host: { host: 'compute1' } });
    await api.pool.query(`update services set disabled = true where host = 'compute1'`);
    expect(await zones()).toEqual({ nova: true, east: false });
  });
});

describe('what is refused', () => {
  test.each([
    ['an unknown host', { add_host: { host: 'nosuch' } }, 404, 'Compute host nosuch could not be found.'],
    ['a host twice', { add_host: { host: 'compute1' } }, 409, 'Aggregate ID already has host compute1.'],
    [
      'removing what is no member',
      { remove_host: { host: 'compute2' } },
      404,
      'Cannot remove host compute2 in aggregate ID',
    ],
    ['an unknown action', { paint: { colour: 'red' } }, 400, 'There is no such action: paint'],
    ['two actions', { add_host: {}, remove_host: {} }, 400, 'Malformed request body'],
    [
      'a number as metadata',
      { set_metadata: { metadata: { a: 1 } } },
      400,
      "Invalid input for field/attribute a. Value: 1. 1 is not of type 'string', 'null'",
    ],
    [
      'a host of strange letters',
      { add_host: { host: 'a/b' } },
      400,
      "Invalid input for field/attribute host. Value: a/b. 'a/b' does not match '^[a-zA-Z0-9-._]*$'",
    ],
  ])('%s', async (_what, body, status, message) => {
    const id = await made('a');
    await act(id, { add_host: { host: 'compute1' } });
    const answer = await act(id, body);
    expect(answer.status).toBe(status);
    expect(Object.values(answer.body)).toEqual([
      { code: status, message: message.replace('ID', String(id)) },
    ]);
  });

  test.each([
    [{ name: 'taken' }, 409, 'Aggregate taken already exists.'],
    [{}, 400, "Invalid input for field/attribute aggregate. Value: {}. 'name' is a required property"],
    [{ name: 'x', availability_zone: 'a:b' }, 400, undefined],
    [{ name: ' x' }, 400, undefined],
    [{ name: 'x'.repeat(256) }, 400, undefined],
  ])('to create %j', async (aggregate, status, message) => {
    await made('taken');
    const answer = await api.send('admin', 'POST', '/os-aggregates', { body: { aggregate } });
    expect(answer.status).toBe(status);
    if (message !== undefined) expect(Object.values(answer.body)).toEqual([{ code: status, message }]);
  });

  test('a name that another one has', async () => {
    await made('taken');
    const id = await made('free');
    expect((await change(id, { name: 'taken' })).body.conflictingRequest.message).toBe(
      'Aggregate taken already exists.',
    );
  });
});
