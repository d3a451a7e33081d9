import { createHash } from 'node:crypto';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { giveBackAbandonedUploads } from '../../../services/api/image/abandoned-uploads.ts';
import { importImage } from '../../../services/api/image/import-image.ts';
import { readImageTicketKey } from '../../../shared/database/secrets.ts';
import { imageId } from '../../../shared/domain/ids.ts';
import { mintImageTicket } from '../../../shared/domain/image-ticket.ts';
import { active, api, create, upload, useApi, v2 } from './image-requests.ts';

useApi();

describe("a host's ticket", () => {
  const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

  test('opens its image, without a token, until it expires', async () => {
    const id = await active('demo', { visibility: 'private' });
    const other = await active('demo', { visibility: 'private' });
    const key = await readImageTicketKey(api.pool);
    const fetch = (ticket: string, image = id) =>
      api.call(null, `${v2}/${image}/file`, { headers: { 'x-drover-image-ticket': ticket } });
    const good = mintImageTicket(key, imageId(id), inAnHour());
    expect((await fetch(good)).text).toBe('some bytes');
    expect((await fetch(good, other)).status).toBe(401);
    expect((await fetch(good, '11111111-1111-1111-1111-111111111111')).status).toBe(401);
    expect((await fetch(mintImageTicket(key, imageId(id), inAnHour() - 7200))).status).toBe(401);
    expect((await fetch(mintImageTicket(Buffer.from('guess'), imageId(id), inAnHour()))).status).toBe(401);
    expect((await fetch('nonsense')).status).toBe(401);
    const headers = { 'x-drover-image-ticket': good };
    expect((await api.call(null, `${v2}/${id}`, { headers })).status).toBe(401);
  });
});

describe('a host that makes an image', () => {
  const put = (id: string, bytes: Buffer, headers: Readonly<Record<string, string>>) =>
    api.call(null, `${v2}/${id}/file`, {
      method: 'PUT',
      body: bytes,
      headers: { 'content-type': 'application/octet-stream', ...headers },
    });
  const ticketOf = async (id: string) => ({
    'x-drover-image-ticket': mintImageTicket(
      await readImageTicketKey(api.pool),
      imageId(id),
      Math.floor(Date.now() / 1000) + 60,
    ),
  });
  const sha512 = (bytes: Buffer) => createHash('sha512').update(bytes).digest('hex');
  const bytes = Buffer.from('what it made');

  test('fills it with its ticket alone, once, and nothing else', async () => {
    const { id } = (await create('demo')).body as { id: string };
    const other = (await create('demo')).body as { id: string };
    const ticket = await ticketOf(id);
    expect((await put(id, bytes, {})).status).toBe(401);
    expect((await put(other.id, bytes, ticket)).status).toBe(401);
    expect((await put(id, bytes, { ...ticket, 'x-drover-image-sha512': sha512(bytes) })).status).toBe(204);
    expect((await put(id, bytes, ticket)).status).toBe(409);
    const found = await api.call(null, `${v2}/${id}/file`, { headers: ticket });
    expect(found.headers['x-drover-image-sha512']).toBe(sha512(bytes));
  });

  test('whose bytes arrive as others is refused, and may try again', async () => {
    const { id } = (await create('demo')).body as { id: string };
    const ticket = await ticketOf(id);
    const refused = await put(id, bytes, {
      ...ticket,
      'x-drover-image-sha512': sha512(Buffer.from('other')),
    });
    expect(refused.status).toBe(400);
    expect(readdirSync(api.store_path)).not.toContain(id);
    expect((await put(id, bytes, { ...ticket, 'x-drover-image-sha512': sha512(bytes) })).status).toBe(204);
  });
});

test('an image can be imported at the start, once', async () => {
  const owner_project_id = await api.idOf('projects', 'admin');
  const settings = { store_path: api.store_path, max_size_bytes: 4_194_304 };
  const image = {
    name: 'cirros',
    disk_format: 'raw',
    container_format: 'bare',
    visibility: 'public',
    owner_project_id,
    min_ram_mb: 0,
    min_disk_gb: 0,
    bytes: Buffer.alloc(1024),
  } as const;
  const id = await importImage(api.pool, settings, image);
  expect(await importImage(api.pool, settings, image)).toBe(id);
  expect((await api.call('demo', `${v2}?name=cirros`)).body.images).toMatchObject([
    { id, size: 1024, status: 'active' },
  ]);
});

describe('an upload whose process is gone', () => {
  const part = (id: string) => `${id}.${'a'.repeat(16)}.part`;

  async function saving(age: string): Promise<string> {
    const { id } = (await create('demo')).body as { id: string };
    await api.pool.query(
      `update images set status = 'saving', updated_at = now() - $2::interval where id = $1`,
      [id, age],
    );
    const path = join(api.store_path, part(id));
    writeFileSync(path, 'half of it');
    const written = Date.now() / 1000 - (age === '61 minutes' ? 3660 : 3000);
    utimesSync(path, written, written);
    return id;
  }

  test('is given back after an hour: its image can be uploaded anew', async () => {
    const kept = await active('demo');
    const [abandoned, running] = [await saving('61 minutes'), await saving('50 minutes')];
    expect((await upload('demo', abandoned, Buffer.from('x'))).status).toBe(409);
    expect(
      await giveBackAbandonedUploads(api.pool, { store_path: api.store_path, max_size_bytes: 1 }),
    ).toEqual({ images: [abandoned], files: [part(abandoned)] });
    const files = readdirSync(api.store_path);
    expect(files).toEqual(expect.arrayContaining([kept, part(running)]));
    expect(files).not.toContain(part(abandoned));
    expect((await api.call('demo', `${v2}/${running}`)).body).toMatchObject({ status: 'saving' });
    expect((await upload('demo', abandoned, Buffer.from('x'))).status).toBe(204);
  });

  test('does not matter before the first image: there is no folder', async () => {
    const settings = { store_path: join(api.store_path, 'not-there'), max_size_bytes: 1 };
    expect((await giveBackAbandonedUploads(api.pool, settings)).files).toEqual([]);
  });
});
