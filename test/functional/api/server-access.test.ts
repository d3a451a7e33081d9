import { describe, expect, it } from 'vitest';
import { fixture, useServersFixture } from './server-requests.ts';
import { missingId, type Actor } from './servers-fixture.ts';

useServersFixture();

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
