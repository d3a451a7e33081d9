import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServersFixture, type Answer, type ServersFixture } from './servers-fixture.ts';

let api: ServersFixture;
beforeAll(async () => {
  api = await createServersFixture();
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.pool.query(`delete from flavors where flavor_id not in ('42', '84', 'zero')`);
});

const create = (flavor: object, version = '2.55'): Promise<Answer> =>
  api.send('admin', 'POST', '/flavors', { version, body: { flavor } });
const plain = { name: 'big', ram: 1024, vcpus: 4, disk: 10 };
const privateOne = { ...plain, id: 'secret', 'os-flavor-access:is_public': false };
async function idsOf(actor: 'admin' | 'demo' | 'alice', query = ''): Promise<string[]> {
  const { body } = await api.send(actor, 'GET', `/flavors${query}`);
  return body.flavors.map((flavor: { id: string }) => flavor.id);
}

describe('a new flavor', () => {
  test.each([[undefined], [null], ['auto']])('gets a UUID when its id is %j', async (id) => {
    const answer = await create({ ...plain, ...(id === undefined ? {} : { id }) });
    expect(answer.status).toBe(200);
    expect(answer.body.flavor.id).toMatch(/^[0-9a-f]{8}-/);
  });

  test('shows what was asked for, and is found under its id', async () => {
    const wish = { ...plain, id: 7, swap: '512', 'OS-FLV-EXT-DATA:ephemeral': 2, rxtx_factor: '1.5' };
    const answer = await create({ ...wish, description: 'for tests' });
    expect(answer.body.flavor).toMatchObject({
      id: '7',
      name: 'big',
      ram: 1024,
      vcpus: 4,
      disk: 10,
      swap: 512,
      'OS-FLV-EXT-DATA:ephemeral': 2,
      rxtx_factor: 1.5,
      description: 'for tests',
      'os-flavor-access:is_public': true,
    });
    const found = await api.send('demo', 'GET', '/flavors/7', { version: '2.55' });
    expect(found.body.flavor).toEqual(answer.body.flavor);
  });

  test.each([
    [{ ...plain, id: '42' }, 409, 'Flavor with ID 42 already exists.'],
    [{ ...plain, name: 'm1.nano' }, 409, 'Flavor with name m1.nano already exists.'],
    [{ ...plain, name: 'm1.nano', id: '42' }, 409, 'Flavor with ID 42 already exists.'],
    [
      { ...plain, ram: 0 },
      400,
      'Invalid input for field/attribute ram. Value: 0. 0 is less than the minimum of 1',
    ],
    [
      { ...plain, vcpus: -1 },
      400,
      'Invalid input for field/attribute vcpus. Value: -1. -1 is less than the minimum of 1',
    ],
    [
      { ...plain, disk: 2_147_483_648 },
      400,
      'Invalid input for field/attribute disk. Value: 2147483648. 2147483648 is greater than the maximum of 2147483647',
    ],
    [
      { ...plain, colour: 'red' },
      400,
      "Invalid input for field/attribute flavor. Value: {'name': 'big', 'ram': 1024, 'vcpus': 4, 'disk': 10, 'colour': 'red'}. Additional properties are not allowed ('colour' was unexpected)",
    ],
  ])('is refused: %j', async (flavor, status, message) => {
    const answer = await create(flavor);
    expect(answer.status).toBe(status);
    expect(Object.values(answer.body)).toEqual([{ code: status, message }]);
  });

  test('has no description before 2.55', async () => {
    expect((await create({ ...plain, description: 'x' }, '2.54')).status).toBe(400);
    const described = await api.send('admin', 'PUT', '/flavors/42', {
      version: '2.54',
      body: { flavor: { description: 'x' } },
    });
    expect(described.status).toBe(404);
  });
});

describe('private flavors', () => {
  test('are seen by administrators and by those who were let in, until they are shut out', async () => {
    await create(privateOne);
    const act = (body: object) => api.send('admin', 'POST', '/flavors/secret/action', { body });
    const tenant = api.projectOf('demo');
    expect((await api.send('demo', 'GET', '/flavors/secret')).status).toBe(404);
    expect(await idsOf('admin', '?is_public=None')).toContain('secret');
    expect(await idsOf('admin')).not.toContain('secret');

    const let_in = await act({ addTenantAccess: { tenant } });
    expect(let_in.body).toEqual({ flavor_access: [{ flavor_id: 'secret', tenant_id: tenant }] });
    expect((await api.send('demo', 'GET', '/flavors/secret')).status).toBe(200);
    expect(await idsOf('demo')).toContain('secret');
    expect(await idsOf('alice')).not.toContain('secret');
    expect((await act({ addTenantAccess: { tenant } })).body.conflictingRequest.message).toBe(
      `Flavor access already exists for flavor secret and project ${tenant} combination.`,
    );

    expect((await act({ removeTenantAccess: { tenant } })).body).toEqual({ flavor_access: [] });
    expect((await act({ removeTenantAccess: { tenant } })).body.itemNotFound.message).toBe(
      `Flavor access not found for secret / ${tenant} combination.`,
    );
    expect((await api.send('demo', 'GET', '/flavors/secret')).status).toBe(404);
  });

  test('are not opened to a project that does not exist', async () => {
    await create(privateOne);
    const body = { addTenantAccess: { tenant: 'typo' } };
    const answer = await api.send('admin', 'POST', '/flavors/secret/action', { body });
    expect(answer.body.badRequest.message).toBe('Project ID typo is not a valid project.');
  });

  test('public ones have no list', async () => {
    const listed = await api.send('admin', 'GET', '/flavors/42/os-flavor-access');
    expect(listed.body.itemNotFound.message).toBe('Access list not available for public flavors.');
    const body = { addTenantAccess: { tenant: api.projectOf('demo') } };
    const added = await api.send('admin', 'POST', '/flavors/42/action', { body });
    expect(added.body.conflictingRequest.message).toBe('Can not add access to a public flavor.');
  });
});

describe('lists', () => {
  test.each([
    ['', ['42', '84', 'zero']],
    ['?sort_dir=desc', ['zero', '84', '42']],
    ['?sort_key=memory_mb&sort_dir=desc', ['84', '42', 'zero']],
    ['?minRam=65', ['84']],
    ['?minDisk=1', ['42', '84']],
    ['?limit=1&marker=42', ['84']],
    ['?limit=0', []],
    ['?is_public=false', []],
  ])('GET /flavors%s', async (query, expected) => {
    expect(await idsOf('admin', query)).toEqual(expected);
  });

  test('a full page names the next one, also in detail', async () => {
    const { body } = await api.send('demo', 'GET', '/flavors/detail?limit=2');
    expect(body.flavors_links[0].href).toMatch(/\/v2\.1\/flavors\/detail\?limit=2&marker=84$/);
    const last = await api.send('demo', 'GET', '/flavors/detail?limit=2&marker=84');
    expect(last.body).not.toHaveProperty('flavors_links');
  });

  test.each([
    ['?marker=nosuch', 'marker [nosuch] not found'],
    ['?minRam=much', 'Invalid minRam filter [much]'],
    ['?is_public=maybe', 'Invalid is_public filter [maybe]'],
    ['?limit=-1', "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'"],
  ])('GET /flavors%s is refused', async (query, message) => {
    const answer = await api.send('admin', 'GET', `/flavors${query}`);
    expect(answer.body).toEqual({ badRequest: { code: 400, message } });
  });
});

describe('extra specs', () => {
  test('are added, shown, replaced and taken away one by one', async () => {
    await create({ ...plain, id: 'spec' });
    const path = '/flavors/spec/os-extra_specs';
    const added = await api.send('admin', 'POST', path, { body: { extra_specs: { 'hw:a': 'x', b: 2 } } });
    expect(added.body).toEqual({ extra_specs: { 'hw:a': 'x', b: 2 } });
    expect((await api.send('demo', 'GET', path)).body).toEqual({ extra_specs: { 'hw:a': 'x', b: '2' } });
    const replaced = await api.send('admin', 'PUT', `${path}/b`, { body: { b: '3' } });
    expect(replaced.body).toEqual({ b: '3' });
    expect((await api.send('demo', 'GET', `${path}/b`)).body).toEqual({ b: '3' });
    expect((await api.send('admin', 'DELETE', `${path}/b`)).status).toBe(200);
    expect((await api.send('admin', 'DELETE', `${path}/b`)).body.itemNotFound.message).toBe(
      'Flavor spec has no extra specs with key b.',
    );
  });

  test('a key in the body must be the one in the path', async () => {
    const answer = await api.send('admin', 'PUT', '/flavors/42/os-extra_specs/a', { body: { b: 'x' } });
    expect(answer.body.badRequest.message).toBe('Request body and URI mismatch');
  });
});

test('a deleted flavor is gone', async () => {
  await create({ ...plain, id: 'gone' });
  expect((await api.send('admin', 'DELETE', '/flavors/gone')).status).toBe(202);
  expect((await api.send('admin', 'DELETE', '/flavors/gone')).body.itemNotFound.message).toBe(
    'Flavor gone could not be found.',
  );
});
