import { beforeEach, describe, expect, it } from 'vitest';
import { fixture, message, useServersFixture } from './server-requests.ts';
import { missingId, type Answer } from './servers-fixture.ts';

useServersFixture();
beforeEach(async () => {
  await fixture.pool.query('delete from instances');
});

const ids = (answer: Answer): string[] => answer.body.servers.map((server: any) => server.id);
const names = (answer: Answer): string[] => answer.body.servers.map((server: any) => server.name);

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
