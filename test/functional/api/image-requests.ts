import { afterAll, beforeAll, expect } from 'vitest';
import { createApiFixture, type Actor, type Answer, type ApiFixture } from './fixture.ts';

/** The api of the test file that runs: there from its first test on. */
export let api: ApiFixture;

/** Makes the api before the tests of this file and closes it after them. */
export function useApi(): void {
  beforeAll(async () => {
    api = await createApiFixture();
  });
  afterAll(() => api.close());
}

export const v2 = '/image/v2/images';

export async function create(
  actor: Actor,
  attributes: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  return api.call(actor, v2, {
    method: 'POST',
    body: { name: 'one', disk_format: 'raw', container_format: 'bare', ...attributes },
  });
}

export async function upload(actor: Actor, id: string, bytes: Buffer): Promise<Answer> {
  const headers = { 'content-type': 'application/octet-stream' };
  return api.call(actor, `${v2}/${id}/file`, { method: 'PUT', body: bytes, headers });
}

/** An image with bytes in it. */
export async function active(
  actor: Actor,
  attributes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { id } = (await create(actor, attributes)).body as { id: string };
  expect((await upload(actor, id, Buffer.from('some bytes'))).status).toBe(204);
  return id;
}

export const patch = (actor: Actor, id: string, steps: unknown) =>
  api.call(actor, `${v2}/${id}`, {
    method: 'PATCH',
    body: steps,
    headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
  });
