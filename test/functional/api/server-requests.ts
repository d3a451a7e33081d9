import { afterAll, beforeAll } from 'vitest';
import type { ConfigurationOverrides } from '../../../shared/config/configuration.ts';
import {
  createServersFixture,
  imageId,
  type Actor,
  type Answer,
  type ServersFixture,
} from './servers-fixture.ts';

/** The api of the test file that runs: there from its first test on. */
export let fixture: ServersFixture;

/** Makes the api before the tests of this file and closes it after them. */
export function useServersFixture(overrides: ConfigurationOverrides = {}): void {
  beforeAll(async () => {
    fixture = await createServersFixture(overrides);
  });
  afterAll(async () => {
    await fixture.close();
  });
}

/** What a refusal of the Compute API says. */
export const message = (answer: Answer): string => (Object.values(answer.body ?? {})[0] as any)?.message;

/** Asks for a server, of the small flavor and the image that are there unless said otherwise. */
export const create = (actor: Actor, server: object, version = '2.37', more: object = {}) =>
  fixture.send(actor, 'POST', '/servers', {
    version,
    body: {
      server: { name: 'g', flavorRef: '42', imageRef: imageId, networks: 'none', ...server },
      ...more,
    },
  });

/** Asks for an action on a server, as the administrator unless said otherwise. */
export async function act(
  server: string,
  body: unknown,
  options: { actor?: Actor; version?: string } = {},
): Promise<Answer> {
  const { actor = 'admin', ...rest } = options;
  return await fixture.send(actor, 'POST', `/servers/${server}/action`, { ...rest, body });
}

/** Columns of a server that has moved and waits to be confirmed. */
export const resized = { vm_state: 'resized', host: 'compute2', node: 'compute2' };

/** Asks Drover's own API. */
export const call = (
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: unknown,
  actor: Actor | null = 'admin',
) => fixture.send(actor, method, path, { root: '/drover/v1', ...(body === undefined ? {} : { body }) });
