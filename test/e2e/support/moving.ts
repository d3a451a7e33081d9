import { afterAll, afterEach, beforeAll } from 'vitest';
import { request } from '../../../scripts/cluster/api-session.ts';
import { TestCluster } from './cluster.ts';
import { Servers, type Server } from './servers.ts';

/** The cluster of the test file that runs and its servers, as the administrator: there from its first test on. */
export let cluster: TestCluster;
export let servers: Servers;
const created: string[] = [];

/** A cluster for the tests of this file. What a test has created is deleted after it. */
export function useMovingCluster(name: string): void {
  cluster = new TestCluster(name);
  beforeAll(async () => {
    // Flat disks, so that everything the guest has must travel.
    await cluster.up('--set', 'DEFAULT.use_cow_images=false');
    servers = new Servers(cluster, await cluster.logInAsAdmin());
  });
  afterAll(() => cluster.down());
  afterEach(async () => {
    for (const id of created.splice(0)) await servers.delete(id);
  });
}

/** A server that is active; deleted after the test. */
export async function create(name: string, options?: { image?: string; host?: string }): Promise<Server> {
  const server = await servers.create(name, options);
  created.push(server.id);
  return server;
}

/** Whether new servers may come to a host. */
export async function setService(host: string, status: 'enabled' | 'disabled'): Promise<void> {
  const { services } = await request<{ services: Array<{ id: string; host: string }> }>(
    ...([
      servers.session,
      'GET',
      '/compute/v2.1/os-services?binary=nova-compute',
      undefined,
      '2.53',
    ] as const),
  );
  const service = services.find((one) => one.host === host);
  await request(servers.session, 'PUT', `/compute/v2.1/os-services/${service?.id}`, { status }, '2.53');
}

export interface WholeMigration {
  readonly mode: string;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly rounds: ReadonlyArray<{ readonly changed_bytes: number }>;
  readonly downtime: { readonly predicted_seconds: number | null; readonly measured_seconds: number | null };
  readonly precopy_ended: string | null;
  readonly progress: { readonly resent_bytes: number | null };
  readonly steps: ReadonlyArray<{
    readonly step: string;
    readonly event: string;
    readonly direction: string;
    readonly summary: string | null;
  }>;
}

/** The newest migration of a server, as Drover's own API shows it. */
export async function wholeMigration(id: string): Promise<WholeMigration> {
  const [newest] = await servers.migrations(id);
  const path = `/drover/v1/migrations/${newest?.uuid}`;
  return (await request<{ migration: WholeMigration }>(servers.session, 'GET', path)).migration;
}
