import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { qcow2Header } from '../../unit/api/image/qcow2-header.ts';
import type { Actor, Answer } from './fixture.ts';
import { active, api, create, patch, upload, useApi, v2 } from './image-requests.ts';

useApi();

describe('the life of an image', () => {
  test('queued, uploaded, read back, deleted', async () => {
    const created = await create('demo', { os_distro: 'cirros', min_disk: 1 });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      status: 'queued',
      size: null,
      visibility: 'shared',
      os_distro: 'cirros',
    });
    expect(created.headers['location']).toContain(`/image/v2/images/${created.body.id}`);
    const { id } = created.body;
    expect((await api.call('demo', `${v2}/${id}/file`)).status).toBe(204);

    const bytes = Buffer.alloc(1_500_000, 'drover');
    expect((await upload('demo', id, bytes)).status).toBe(204);
    expect((await api.call('demo', `${v2}/${id}`)).body).toMatchObject({
      status: 'active',
      size: bytes.length,
      virtual_size: bytes.length,
      checksum: createHash('md5').update(bytes).digest('hex'),
      os_hash_value: createHash('sha512').update(bytes).digest('hex'),
    });
    const file = await api.call('demo', `${v2}/${id}/file`);
    expect(file.headers['content-type']).toBe('application/octet-stream');
    expect(file.text).toBe(bytes.toString());
    expect(readdirSync(api.store_path)).toContain(id);

    expect((await upload('demo', id, bytes)).status).toBe(409);
    expect((await api.call('demo', `${v2}/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await api.call('demo', `${v2}/${id}`)).status).toBe(404);
    expect(readdirSync(api.store_path)).not.toContain(id);
  });

  test('data that is refused leaves a queued image and no file', async () => {
    const before = readdirSync(api.store_path);
    for (const [disk_format, bytes, reason] of [
      ['qcow2', qcow2Header({ backing_file: true }), 'it has a backing file'],
      ['qcow2', qcow2Header({ external_data: true }), 'it has an external data file'],
      ['qcow2', Buffer.from('nothing'), 'it is no qcow2'],
      ['raw', qcow2Header({}), 'it is a qcow2, not raw'],
    ] as const) {
      const { id } = (await create('demo', { disk_format })).body;
      const answer = await upload('demo', id, bytes);
      expect(answer.status).toBe(400);
      expect(answer.body.message).toContain(reason);
      expect((await api.call('demo', `${v2}/${id}`)).body.status).toBe('queued');
    }
    expect(readdirSync(api.store_path)).toEqual(before);
  });

  test('data over the limit is refused with 413, with and without a declared length', async () => {
    const { id } = (await create('demo')).body;
    expect((await upload('demo', id, Buffer.alloc(4_194_305))).status).toBe(413);
    const { Readable } = await import('node:stream');
    const response = await api.app.inject({
      method: 'PUT',
      url: `${v2}/${id}/file`,
      headers: { 'x-auth-token': api.tokens.demo, 'content-type': 'application/octet-stream' },
      payload: Readable.from([Buffer.alloc(4_194_300), Buffer.alloc(100)]),
    });
    expect(response.statusCode).toBe(413);
    expect((await api.call('demo', `${v2}/${id}`)).body.status).toBe('queued');
  });

  test('a qcow2 shows the size that its guest sees', async () => {
    const { id } = (await create('demo', { disk_format: 'qcow2' })).body;
    const bytes = qcow2Header({ virtual_size: 16n * 1024n ** 3n });
    expect((await upload('demo', id, bytes)).status).toBe(204);
    expect((await api.call('demo', `${v2}/${id}`)).body).toMatchObject({
      size: bytes.length,
      virtual_size: 16 * 1024 ** 3,
    });
  });

  test('a protected image stays', async () => {
    const id = await active('demo', { protected: true });
    expect((await api.call('demo', `${v2}/${id}`, { method: 'DELETE' })).status).toBe(403);
    expect((await patch('demo', id, [{ op: 'replace', path: '/protected', value: false }])).status).toBe(200);
    expect((await api.call('demo', `${v2}/${id}`, { method: 'DELETE' })).status).toBe(204);
  });
});

describe('whose image it is', () => {
  test("another project's private image does not exist", async () => {
    const id = await active('demo', { visibility: 'private' });
    const unknown = await api.call('alice', `${v2}/11111111-1111-1111-1111-111111111111`);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/file'],
      ['DELETE', ''],
      ['PUT', '/tags/x'],
    ] as const) {
      const answer = await api.call('alice', `${v2}/${id}${path}`, { method });
      expect(answer.status, `${method} ${path}`).toBe(404);
      expect(answer.text.replaceAll(id, '')).toBe(
        unknown.text.replaceAll('11111111-1111-1111-1111-111111111111', ''),
      );
    }
    expect((await patch('alice', id, [{ op: 'add', path: '/x', value: 'y' }])).status).toBe(404);
    expect((await upload('alice', id, Buffer.from('x'))).status).toBe(404);
    const ids = async (actor: Actor, query = '') =>
      ((await api.call(actor, `${v2}${query}`)).body.images as { id: string }[]).map((image) => image.id);
    for (const query of ['', '?visibility=private', '?visibility=all', `?id=in:${id}`, '?visibility=shared'])
      expect(await ids('alice', query), query).not.toContain(id);
    expect(await ids('demo')).toContain(id);
    expect(await ids('admin')).toContain(id);
    expect(await ids('rhea')).toContain(id);
  });

  test("a public image is everybody's to read and nobody else's to change", async () => {
    const id = await active('admin', { visibility: 'public' });
    expect((await api.call('alice', `${v2}/${id}`)).status).toBe(200);
    expect((await api.call('alice', `${v2}/${id}`, { method: 'DELETE' })).status).toBe(403);
    expect((await patch('alice', id, [{ op: 'add', path: '/x', value: 'y' }])).status).toBe(403);
    expect((await upload('alice', id, Buffer.from('x'))).status).toBe(403);
  });

  test('only an administrator publishes, and a reader makes nothing', async () => {
    expect((await create('demo', { visibility: 'public' })).status).toBe(403);
    const id = await active('demo');
    expect((await patch('demo', id, [{ op: 'replace', path: '/visibility', value: 'public' }])).status).toBe(
      403,
    );
    expect((await create('rhea')).status).toBe(403);
    expect((await api.call('rhea', `${v2}/${id}`, { method: 'DELETE' })).status).toBe(403);
    expect((await create('demo', { owner: await api.idOf('projects', 'other') })).status).toBe(403);
  });
});

describe('changes', () => {
  test('properties are added, replaced and removed', async () => {
    const id = await active('demo', { a: '1' });
    const answer = await patch('demo', id, [
      { op: 'add', path: '/hw~1x', value: 'y' },
      { op: 'replace', path: '/a', value: '2' },
      { op: 'replace', path: '/name', value: 'two' },
      { op: 'add', path: '/b', value: '3' },
      { op: 'remove', path: '/b' },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ name: 'two', a: '2', 'hw/x': 'y' });
    expect(answer.body).not.toHaveProperty('b');
  });

  test.each([
    ['a read-only one', { op: 'replace', path: '/status', value: 'active' }, 403],
    ['the removal of a fixed one', { op: 'remove', path: '/name' }, 403],
    ['the format of an active image', { op: 'replace', path: '/disk_format', value: 'qcow2' }, 403],
    ['a missing property', { op: 'replace', path: '/nosuch', value: 'x' }, 409],
    ['a number as property', { op: 'add', path: '/x', value: 5 }, 400],
    ['a deeper path', { op: 'add', path: '/tags/-', value: 'x' }, 400],
    ['no value', { op: 'add', path: '/x' }, 400],
    ['another operation', { op: 'move', path: '/x', value: 'y' }, 400],
    ['a negative size', { op: 'replace', path: '/min_disk', value: -1 }, 400],
    ['a size beyond the column', { op: 'replace', path: '/min_ram', value: 2 ** 40 }, 400],
  ])('%s is refused', async (_what, step, status) => {
    expect((await patch('demo', await active('demo'), [step])).status).toBe(status);
  });

  test('tags', async () => {
    const id = await active('demo');
    expect((await api.call('demo', `${v2}/${id}/tags/blue`, { method: 'PUT' })).status).toBe(204);
    expect((await api.call('demo', `${v2}?tag=blue`)).body.images).toHaveLength(1);
    expect((await api.call('demo', `${v2}/${id}/tags/blue`, { method: 'DELETE' })).status).toBe(204);
    expect((await api.call('demo', `${v2}?tag=blue`)).body.images).toHaveLength(0);
  });

  test.each([
    ['an unknown format', { disk_format: 'iso' }],
    ['a number as name', { name: 5 }],
    ['an id that is none', { id: '../../etc/passwd' }],
    ['a read-only member', { checksum: 'x' }],
    ['an object as property', { x: {} }],
  ])('%s at creation is refused', async (_what, attributes) => {
    const { status } = await create('demo', attributes);
    expect([400, 403]).toContain(status);
  });

  test('an id is taken once', async () => {
    const id = '22222222-2222-4222-8222-222222222222';
    expect((await create('demo', { id })).status).toBe(201);
    expect((await create('alice', { id })).status).toBe(409);
  });
});

describe('the list', () => {
  test('comes in pages that leave nothing out and repeat nothing', async () => {
    const made = await Promise.all(
      Array.from({ length: 7 }, (_, index) => create('alice', { name: `page-${index % 3}`, kind: 'paged' })),
    );
    for (const sort of ['created_at:desc', 'name:asc', 'size:asc', 'id:desc']) {
      const seen: string[] = [];
      let next: string | undefined = `/v2/images?kind=paged&limit=2&sort=${sort}`;
      while (next !== undefined && seen.length < 20) {
        const page: Answer = await api.call('alice', `/image${next}`);
        expect(page.status).toBe(200);
        seen.push(...page.body.images.map((image: { id: string }) => image.id));
        next = page.body.next;
      }
      expect([...seen].sort(), sort).toEqual(made.map((answer) => answer.body.id).sort());
    }
  });

  test.each([
    'limit=x',
    'limit=-1',
    'marker=x',
    'sort_key=password',
    'sort_dir=up',
    'visibility=none',
    'size_min=a',
  ])('refuses %s', async (query) => {
    expect((await api.call('demo', `${v2}?${query}`)).status).toBe(400);
  });
});
