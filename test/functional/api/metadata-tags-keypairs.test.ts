import { beforeEach, describe, expect, it } from 'vitest';
import { fixture, message, useServersFixture } from './server-requests.ts';

useServersFixture();
beforeEach(async () => {
  await fixture.pool.query('delete from instances');
  await fixture.pool.query('delete from quotas');
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
