import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newToken } from '../../../services/api/identity/ids.ts';
import { hashToken } from '../../../services/api/identity/token-record.ts';
import type { RegisteredRoute } from '../../../services/api/server.ts';
import { createApiFixture, type Answer, type ApiFixture, type Call } from './fixture.ts';

/**
 * Every route of every API, whoever wrote it, is asked with what must be refused. A route joins by being registered.
 * The rules: never a 5xx, never a stack trace, the status that the mistake calls for, in the envelope of its API.
 */
let api: ApiFixture;
let routes: readonly RegisteredRoute[];
let expired: string;

beforeAll(async () => {
  api = await createApiFixture();
  routes = api.app.route_list;
  expired = newToken();
  await api.pool.query(
    `insert into tokens (token_hash, user_id, project_id, methods, audit_ids, issued_at, expires_at)
     values ($1, $2, $3, '{password}', '{x}', now() - interval '1 day', now() - interval '1 second')`,
    [hashToken(expired), await api.idOf('users', 'admin'), await api.idOf('projects', 'admin')],
  );
});
afterAll(() => api.close());

const UNKNOWN = '11111111-1111-1111-1111-111111111111';
const methodsWithBody = new Set(['POST', 'PUT', 'PATCH']);

function urlOf(route: RegisteredRoute, value = UNKNOWN): string {
  return route.url.replaceAll(/:\w+(?:\([^)]*\))?/g, value).replace('*', value);
}

const isUpload = (route: RegisteredRoute) => route.url.endsWith('/file') && route.method === 'PUT';

/** What a route answers must be in its own API's envelope, and tell nothing of the inside. */
function expectRefusal(route: RegisteredRoute, answer: Answer, what: string): void {
  const label = `${route.method} ${route.url}: ${what} → ${answer.status} ${answer.text.slice(0, 300)}`;
  expect(answer.status, label).toBeGreaterThanOrEqual(400);
  expectDecent(route, answer, what);
  if (route.method === 'HEAD') return;
  const { body } = answer;
  if (route.url.startsWith('/identity')) expect(body?.error, label).toMatchObject({ code: answer.status });
  else if (route.url.startsWith('/image'))
    expect(body?.code, label).toMatch(new RegExp(`^${answer.status} `));
  else if (route.url.startsWith('/drover'))
    expect(body?.error, label).toMatchObject({
      code: expect.any(String),
      message: expect.any(String),
      advice: expect.any(String),
      request_id: answer.headers['x-openstack-request-id'],
    });
  else if (answer.status === 401)
    expect(body?.error, label).toMatchObject({ code: 401, title: 'Unauthorized' });
  else if (typeof body?.code === 'string') expect(body.code, label).toMatch(new RegExp(`^${answer.status} `));
  else
    expect(Object.values(body ?? {}), label).toEqual([
      expect.objectContaining({ code: answer.status, message: expect.any(String) }),
    ]);
}

/** Holds for every answer, refusal or not. */
function expectDecent(route: RegisteredRoute, answer: Answer, what: string): void {
  const label = `${route.method} ${route.url}: ${what} → ${answer.status} ${answer.text.slice(0, 300)}`;
  expect(answer.status, label).toBeLessThan(500);
  expect(answer.text, label).not.toMatch(/\n\s+at |node_modules|node:internal|file:\/\/|\.ts:\d/);
  expect(answer.headers['x-openstack-request-id'], label).toMatch(/^req-[0-9a-f-]{36}$/);
}

async function ask(route: RegisteredRoute, url: string, call: Call = {}): Promise<Answer> {
  return api.call('admin', url, { method: route.method, ...call });
}

describe('every route', () => {
  test('is known to this test: all APIs have routes', () => {
    for (const prefix of ['/v2.1/', '/identity/v3', '/image/v2', '/drover/v1'])
      expect(routes.filter((route) => route.url.startsWith(prefix)).length, prefix).toBeGreaterThan(0);
  });

  test.each([
    ['no token', () => null],
    ['a made-up token', () => 'garbage'],
    ['a token with a NUL and quotes', () => `'";--`],
    ['a token as long as a book', () => 'x'.repeat(8000)],
    ['an expired token', () => expired],
  ])('answers %s with 401 and says where to log in', async (what, token) => {
    for (const route of routes.filter((one) => !one.is_public)) {
      const answer = await ask(route, urlOf(route), { token: token() });
      expectRefusal(route, answer, what);
      expect(answer.status, `${route.method} ${route.url}`).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Keystone uri="http:\/\/[^"]+"$/);
    }
  });

  test('refuses broken JSON', async () => {
    for (const route of routes.filter((one) => methodsWithBody.has(one.method) && !isUpload(one)))
      for (const body of [
        '{"a": ',
        '\u0000',
        '{"a": "\\u0000"}',
        '{"__proto__": {"is_admin": true}}',
        '{"a": "\\ud800"}',
      ])
        expectRefusal(route, await ask(route, urlOf(route), { body }), `body ${JSON.stringify(body)}`);
  });

  test('refuses a body that is no UTF-8', async () => {
    for (const route of routes.filter((one) => methodsWithBody.has(one.method) && !isUpload(one)))
      expectRefusal(
        route,
        await ask(route, urlOf(route), { body: Buffer.from([0x22, 0xff, 0x22]) }),
        'no UTF-8',
      );
  });

  test('refuses another content type', async () => {
    for (const route of routes.filter((one) => methodsWithBody.has(one.method))) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      expectRefusal(route, await ask(route, urlOf(route), { body: 'a=b', headers }), 'a form');
    }
  });

  test('refuses a body that is too large with 413', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(120_000) });
    for (const route of routes.filter((one) => methodsWithBody.has(one.method) && !isUpload(one))) {
      const answer = await ask(route, urlOf(route), { body });
      expectRefusal(route, answer, 'large body');
      expect(answer.status, `${route.method} ${route.url}`).toBe(413);
    }
  });

  test.each(['2.1', '2.93'])('survives bodies of the wrong shape at %s', async (version) => {
    const bodies = [
      '',
      '[]',
      '"x"',
      '5',
      'null',
      '{}',
      '{"a": 1}',
      '{"server": []}',
      '[[]]',
      '{"auth": 1}',
      '1e999',
    ];
    for (const route of routes.filter((one) => methodsWithBody.has(one.method) && !isUpload(one)))
      for (const body of bodies) {
        const headers = { 'openstack-api-version': `compute ${version}` };
        expectDecent(route, await ask(route, urlOf(route), { body, headers }), `body ${body}`);
      }
  });

  test.each(['2.1', '2.93'])('survives strange names in its path at %s', async (version) => {
    const names = [
      "'",
      '%22%3B--',
      '..%2F..%2F..%2Fetc%2Fpasswd',
      '%00',
      '%ff',
      '%',
      '0',
      '-1',
      '99999999999999999999',
      '1e3',
      '%F0%9F%90%84',
      'constructor',
      '__proto__',
      'x'.repeat(900),
      '%0A',
      'None',
      '11111111111111111111111111111111',
    ];
    const headers = { 'openstack-api-version': `compute ${version}` };
    for (const route of routes.filter((one) => /[:*]/.test(one.url)))
      for (const name of names) {
        const body = methodsWithBody.has(route.method) && !isUpload(route) ? { body: {} } : {};
        expectDecent(route, await ask(route, urlOf(route, name), { headers, ...body }), `name ${name}`);
      }
  });

  test.each(['2.1', '2.93'])('survives strange queries at %s', async (version) => {
    const queries = [
      'limit=-1',
      'limit=99999999999999999999&marker=x',
      "marker='&sort_key=;drop&sort_dir=sideways",
      'changes-since=2020-13-45T99:99:99Z',
      'name=%5B&ip=%28&status=nope',
      'name=%ff&name=%C0%80',
      '__proto__=1&constructor=2&toString=3',
      'all_tenants=1&deleted=True&host=%00x',
      'start=0000-00-00&end=9999999-01-01&detailed=1',
      'limit=1&limit=2&sort_key=uuid&sort_key=host&is_public=None&reserved=-5',
      'with_servers=maybe&hypervisor_hostname_pattern=%25&zone=%F0%9F%90%84',
      'size_min=1e9&visibility=all&sort=name:asc,size:desc&id=in:&tag=',
      `q=${'x'.repeat(4000)}`,
    ];
    const headers = { 'openstack-api-version': `compute ${version}` };
    for (const route of routes.filter((one) => one.method === 'GET'))
      for (const query of queries)
        expectDecent(route, await ask(route, `${urlOf(route)}?${query}`, { headers }), `query ${query}`);
  });

  test('refuses a malformed microversion with 400 and an unknown one with 406', async () => {
    for (const route of routes.filter((one) => one.url.startsWith('/v2.1/') && !one.is_public)) {
      const malformed = await ask(route, urlOf(route), {
        headers: { 'openstack-api-version': 'compute 2.x' },
      });
      expectRefusal(route, malformed, '2.x');
      expect(malformed.status).toBe(400);
      const unknown = await ask(route, urlOf(route), {
        headers: { 'openstack-api-version': 'compute 2.94' },
      });
      expectRefusal(route, unknown, '2.94');
      expect(unknown.status).toBe(406);
    }
  });

  test("answers under every root of compute, and only for the token's own project", async () => {
    const [own, other] = await Promise.all([api.idOf('projects', 'admin'), api.idOf('projects', 'demo')]);
    for (const route of routes.filter(
      (one) => one.url.startsWith('/v2.1/') && one.method === 'GET' && !one.is_public,
    )) {
      const path = urlOf(route).slice('/v2.1'.length);
      const plain = await ask(route, `/v2.1${path}`);
      for (const root of ['/compute/v2.1', `/v2.1/${own}`, `/compute/v2.1/${own}`])
        expect((await ask(route, `${root}${path}`)).status, `${root}${path}`).toBe(plain.status);
      const foreign = await ask(route, `/v2.1/${other}${path}`);
      expect(foreign.status).toBe(400);
      expect(foreign.body.badRequest.message).toContain("doesn't match Context's project_id");
    }
  });

  test('never lets a secret into the log', () => {
    const log = api.log_lines.join('');
    for (const token of Object.values(api.tokens)) expect(log).not.toContain(token);
    expect(log).not.toContain('scrypt$');
  });
});
