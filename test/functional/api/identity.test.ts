import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiFixture, type ApiFixture } from './fixture.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await createApiFixture();
});
afterAll(() => api.close());

const v3 = '/identity/v3';
const unauthenticated = {
  error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
};

async function makeUser(name: string, project: string | null = null): Promise<{ id: string; token: string }> {
  const created = await api.call('admin', `${v3}/users`, {
    method: 'POST',
    body: { user: { name, password: 'first', email: 'a@b.c' } },
  });
  expect(created.status).toBe(201);
  const { id } = created.body.user as { id: string };
  if (project !== null) await grant(id, project, 'member');
  const login = await api.logIn(name, 'first', project);
  expect(login.status).toBe(201);
  return { id, token: String(login.headers['x-subject-token']) };
}

async function grant(user_id: string, project: string, role: string, method = 'PUT'): Promise<void> {
  const [project_id, role_id] = [await api.idOf('projects', project), await api.idOf('roles', role)];
  const answer = await api.call('admin', `${v3}/projects/${project_id}/users/${user_id}/roles/${role_id}`, {
    method,
  });
  expect(answer.status).toBe(204);
}

const projectsOf = (token: string) => api.call(null, `${v3}/auth/projects`, { token });

describe('log-in', () => {
  test.each([
    ['a wrong password', 'demo', 'nope', 'demo'],
    ['an unknown user', 'nobody', 'nope', 'demo'],
    ['a project without a role', 'demo', 'demo', 'admin'],
    ['an unknown project', 'demo', 'demo', 'nosuch'],
    ['a very long password', 'demo', 'x'.repeat(1000), 'demo'],
    ['quotes in the name', "' or 1=1 --", 'demo', 'demo'],
  ])('answers %s as every other mistake', async (_what, user, password, project) => {
    const answer = await api.logIn(user, password, project);
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual(unauthenticated);
  });

  test.each([
    ['no auth', {}, 'Expecting to find auth in request body.'],
    ['no methods', { auth: { identity: {} } }, "'methods' is a required property"],
    [
      'no user',
      { auth: { identity: { methods: ['password'], password: {} } } },
      "'user' is a required property",
    ],
    [
      'no domain',
      {
        auth: { identity: { methods: ['password'], password: { user: { name: 'demo', password: 'demo' } } } },
      },
      'Expecting to find domain in user.',
    ],
  ])('names what is missing: %s', async (_what, body, message) => {
    const answer = await api.call(null, `${v3}/auth/tokens`, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(answer.body.error.message).toContain(message);
  });

  test('a token made from a token lives no longer and has both methods', async () => {
    const first = await api.logIn('demo', 'demo', 'demo');
    const answer = await api.call(null, `${v3}/auth/tokens`, {
      method: 'POST',
      body: {
        auth: {
          identity: { methods: ['token'], token: { id: String(first.headers['x-subject-token']) } },
          scope: { project: { id: await api.idOf('projects', 'demo') } },
        },
      },
    });
    expect(answer.status).toBe(201);
    expect(answer.body.token.methods.sort()).toEqual(['password', 'token']);
    expect(answer.body.token.expires_at).toBe(first.body.token.expires_at);
    expect(answer.body.token.audit_ids[1]).toBe(first.body.token.audit_ids[0]);
  });

  test('the database holds neither tokens nor passwords', async () => {
    const { rows } = await api.pool.query<{ everything: string }>(
      `select string_agg(t::text, ' ') || (select string_agg(u::text, ' ') from users u) as everything from tokens t`,
    );
    for (const token of Object.values(api.tokens)) expect(rows[0]!.everything).not.toContain(token);
    expect(rows[0]!.everything).toContain('scrypt$');
  });

  test('many log-ins at once are all answered', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => api.logIn('demo', 'demo', 'demo')));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
  });
});

describe('what ends a token', () => {
  test('its deletion', async () => {
    const { token } = await makeUser('deleter', 'demo');
    expect((await projectsOf(token)).status).toBe(200);
    const headers = { 'x-subject-token': token };
    expect((await api.call(null, `${v3}/auth/tokens`, { method: 'DELETE', token, headers })).status).toBe(
      204,
    );
    expect((await projectsOf(token)).status).toBe(401);
  });

  test('disabling the user', async () => {
    const { id, token } = await makeUser('disabled', 'demo');
    const body = { user: { enabled: false } };
    expect((await api.call('admin', `${v3}/users/${id}`, { method: 'PATCH', body })).status).toBe(200);
    expect((await projectsOf(token)).status).toBe(401);
    expect((await api.logIn('disabled', 'first', 'demo')).status).toBe(401);
  });

  test('another password, set by an administrator or by the user', async () => {
    const { id, token } = await makeUser('changer', 'demo');
    const body = { user: { password: 'second' } };
    await api.call('admin', `${v3}/users/${id}`, { method: 'PATCH', body });
    expect((await projectsOf(token)).status).toBe(401);
    expect((await api.logIn('changer', 'first', 'demo')).status).toBe(401);
    const again = String((await api.logIn('changer', 'second', 'demo')).headers['x-subject-token']);
    const change = { user: { original_password: 'second', password: 'third' } };
    const answer = await api.call(null, `${v3}/users/${id}/password`, {
      method: 'POST',
      token: again,
      body: change,
    });
    expect(answer.status).toBe(204);
    expect((await projectsOf(again)).status).toBe(401);
    expect((await api.logIn('changer', 'third', 'demo')).status).toBe(201);
  });

  test('losing the last role on its project; a second role is not lost with it', async () => {
    const { id, token } = await makeUser('roleless', 'demo');
    await grant(id, 'demo', 'reader');
    await grant(id, 'demo', 'member', 'DELETE');
    const headers = { 'x-subject-token': token };
    const reader = await api.call(null, `${v3}/auth/tokens`, { token, headers });
    expect(reader.body.token.roles.map((role: { name: string }) => role.name)).toEqual(['reader']);
    await grant(id, 'demo', 'reader', 'DELETE');
    expect((await projectsOf(token)).status).toBe(401);
  });

  test('deleting the user or the project', async () => {
    const made = await api.call('admin', `${v3}/projects`, {
      method: 'POST',
      body: { project: { name: 'short' } },
    });
    expect(made.status).toBe(201);
    const { id, token } = await makeUser('shortlived', 'short');
    await api.call('admin', `${v3}/projects/${made.body.project.id}`, { method: 'DELETE' });
    expect((await projectsOf(token)).status).toBe(401);
    expect((await api.call('admin', `${v3}/users/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await api.logIn('shortlived', 'first')).status).toBe(401);
  });
});

describe('rights', () => {
  test.each([
    ['GET', 'users', 'identity:list_users'],
    ['POST', 'users', 'identity:create_user'],
    ['GET', 'projects', 'identity:list_projects'],
    ['POST', 'projects', 'identity:create_project'],
    ['GET', 'roles', 'identity:list_roles'],
    ['GET', 'role_assignments', 'identity:list_role_assignments'],
    ['GET', 'services', 'identity:list_services'],
    ['GET', 'endpoints', 'identity:list_endpoints'],
    ['GET', 'domains', 'identity:list_domains'],
  ])("%s /v3/%s is an administrator's", async (method, path, rule) => {
    for (const actor of ['demo', 'rhea', 'alice'] as const) {
      const answer = await api.call(actor, `${v3}/${path}`, {
        method,
        ...(method === 'POST' ? { body: {} } : {}),
      });
      expect(answer.status).toBe(403);
      expect(answer.body.error.message).toBe(
        `You are not authorized to perform the requested action: ${rule}.`,
      );
    }
  });

  test('a user sees nobody else and no other project, not even whether they exist', async () => {
    for (const path of [
      `users/${await api.idOf('users', 'alice')}`,
      `users/${'0'.repeat(32)}`,
      `projects/${await api.idOf('projects', 'other')}`,
      `projects/${'0'.repeat(32)}`,
      `users/${await api.idOf('users', 'alice')}/projects`,
    ])
      expect((await api.call('demo', `${v3}/${path}`)).status, path).toBe(403);
    expect((await api.call('demo', `${v3}/users/${await api.idOf('users', 'demo')}`)).status).toBe(200);
    expect((await api.call('demo', `${v3}/projects/${await api.idOf('projects', 'demo')}`)).status).toBe(200);
  });

  test("a user may not change somebody else's password or their own roles", async () => {
    const alice = await api.idOf('users', 'alice');
    const body = { user: { original_password: 'alice', password: 'mine' } };
    expect((await api.call('demo', `${v3}/users/${alice}/password`, { method: 'POST', body })).status).toBe(
      403,
    );
    const [demo, project, role] = [
      await api.idOf('users', 'demo'),
      await api.idOf('projects', 'demo'),
      await api.idOf('roles', 'admin'),
    ];
    const path = `${v3}/projects/${project}/users/${demo}/roles/${role}`;
    expect((await api.call('demo', path, { method: 'PUT' })).status).toBe(403);
  });
});

test('a name is taken once, and says so with 409', async () => {
  for (const [path, key] of [
    ['users', 'user'],
    ['projects', 'project'],
    ['roles', 'role'],
  ] as const) {
    const body = { [key]: { name: 'admin' } };
    const answer = await api.call('admin', `${v3}/${path}`, { method: 'POST', body });
    expect(answer.status).toBe(409);
    expect(answer.body.error.title).toBe('Conflict');
  }
});

test('the roles that policies name cannot be deleted', async () => {
  const answer = await api.call('admin', `${v3}/roles/${await api.idOf('roles', 'admin')}`, {
    method: 'DELETE',
  });
  expect(answer.status).toBe(403);
});

test('role assignments are listed with and without what they imply', async () => {
  const user = await api.idOf('users', 'admin');
  const list = async (query: string) =>
    (await api.call('admin', `${v3}/role_assignments?user.id=${user}&${query}`)).body.role_assignments as {
      role: { name?: string };
    }[];
  expect(await list('')).toHaveLength(1);
  const names = (await list('effective&include_names')).map(({ role }) => role.name).sort();
  expect(names).toEqual(['admin', 'member', 'reader']);
});

test('a second bootstrap changes nothing but URLs', async () => {
  const { bootstrapIdentity } = await import('../../../services/api/identity/bootstrap.ts');
  const before = await api.idOf('users', 'demo');
  await bootstrapIdentity(api.pool, {
    roles: ['admin'],
    projects: [{ name: 'demo' }],
    users: [{ name: 'demo', password: 'other' }],
    assignments: [{ user: 'demo', project: 'demo', role: 'member' }],
    region: 'RegionOne',
    urls: {
      identity: 'http://new/v3',
      compute: 'http://new/v2.1',
      image: 'http://new',
      drover: 'http://new/d',
    },
    password_hash_cost: 10,
  });
  expect(await api.idOf('users', 'demo')).toBe(before);
  expect((await api.logIn('demo', 'demo', 'demo')).status).toBe(201);
  const { rows } = await api.pool.query(`select distinct url from catalog_endpoints order by url`);
  expect(rows.map((row) => row.url)).toEqual([
    'http://new',
    'http://new/d',
    'http://new/v2.1',
    'http://new/v3',
  ]);
});
