import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { request, RequestRefused, type Session } from '../../../scripts/cluster/api-session.ts';
import { waitFor } from '../../../scripts/cluster/processes.ts';
import type { TestCluster } from './cluster.ts';

const COMPUTE = '/compute/v2.1';

export interface Server {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly progress?: number;
  readonly addresses: object;
  readonly metadata: object;
  readonly fault?: { readonly code: number; readonly message: string };
  readonly 'OS-EXT-SRV-ATTR:host': string | null;
  readonly 'OS-EXT-STS:task_state': string | null;
  readonly 'OS-EXT-STS:power_state': number;
}

export interface Migration {
  readonly id: number;
  readonly uuid: string;
  readonly status: string;
  readonly source_compute: string;
  readonly dest_compute: string | null;
}

/** One tester's view of a cluster's servers, through the Compute API. */
export class Servers {
  readonly #cluster: TestCluster;
  readonly session: Session;

  constructor(cluster: TestCluster, session: Session) {
    this.#cluster = cluster;
    this.session = session;
  }

  /** Creates a server and waits until it runs. */
  async create(
    name: string,
    options: { readonly image?: string; readonly host?: string } = {},
  ): Promise<Server> {
    const { flavors } = await request<{ flavors: Array<{ id: string; name: string }> }>(
      this.session,
      'GET',
      `${COMPUTE}/flavors`,
    );
    const { images } = await request<{ images: Array<{ id: string; name: string }> }>(
      this.session,
      'GET',
      '/image/v2/images',
    );
    const wanted = options.image ?? 'tiny-raw';
    const { server } = await request<{ server: { id: string } }>(
      this.session,
      'POST',
      `${COMPUTE}/servers`,
      {
        server: {
          name,
          flavorRef: flavors.find((flavor) => flavor.name === 'm1.nano')?.id,
          imageRef: images.find((image) => image.name === wanted)?.id,
          networks: 'none',
          metadata: { purpose: 'test' },
          ...(options.host === undefined ? {} : { availability_zone: `nova:${options.host}` }),
        },
      },
      '2.37',
    );
    return this.waitFor(server.id, 'ACTIVE');
  }

  async show(id: string): Promise<Server> {
    return (await request<{ server: Server }>(this.session, 'GET', `${COMPUTE}/servers/${id}`)).server;
  }

  async action(id: string, action: object, microversion?: string): Promise<void> {
    await request(this.session, 'POST', `${COMPUTE}/servers/${id}/action`, action, microversion);
  }

  /** Waits until the server has this status and no task. An ERROR that was not waited for ends the wait. */
  waitFor(id: string, status: string, timeout_seconds = 60): Promise<Server> {
    return this.waitUntil(
      id,
      `server ${id} to be ${status} and at rest`,
      (server) => {
        if (server.status === 'ERROR' && status !== 'ERROR')
          throw new Error(`server ${id} is in ERROR: ${server.fault?.message ?? 'no fault'}`);
        return server.status === status && server['OS-EXT-STS:task_state'] === null;
      },
      timeout_seconds,
    );
  }

  waitUntil(
    id: string,
    name: string,
    ready: (server: Server) => boolean,
    timeout_seconds = 60,
  ): Promise<Server> {
    return waitFor({ name, timeout_seconds }, async () => {
      const server = await this.show(id);
      return ready(server) ? server : null;
    });
  }

  /** Newest first. */
  async migrations(id: string): Promise<readonly Migration[]> {
    const { migrations } = await request<{ migrations: Migration[] }>(
      this.session,
      'GET',
      `${COMPUTE}/os-migrations?instance_uuid=${id}`,
      undefined,
      '2.59',
    );
    return migrations.toSorted((one, other) => other.id - one.id);
  }

  /** Waits for the newest migration of a server to reach a status. */
  waitForMigration(id: string, status: string, timeout_seconds = 60): Promise<Migration> {
    return waitFor({ name: `a migration of ${id} to be ${status}`, timeout_seconds }, async () => {
      const [newest] = await this.migrations(id);
      return newest?.status === status ? newest : null;
    });
  }

  /** Details of the events of the newest action of this kind, as an administrator sees them. */
  async eventDetails(id: string, action: string): Promise<readonly string[]> {
    const { instanceActions } = await request<{
      instanceActions: Array<{ action: string; request_id: string }>;
    }>(this.session, 'GET', `${COMPUTE}/servers/${id}/os-instance-actions`, undefined, '2.84');
    const newest = instanceActions.find((one) => one.action === action);
    if (newest === undefined) return [];
    const { instanceAction } = await request<{
      instanceAction: { events: Array<{ details?: string | null }> };
    }>(
      this.session,
      'GET',
      `${COMPUTE}/servers/${id}/os-instance-actions/${newest.request_id}`,
      undefined,
      '2.84',
    );
    return instanceAction.events.map((event) => event.details ?? '').filter((details) => details !== '');
  }

  async delete(id: string): Promise<void> {
    await request(this.session, 'DELETE', `${COMPUTE}/servers/${id}`);
    await waitFor({ name: `server ${id} to be gone`, timeout_seconds: 60 }, () =>
      this.show(id).then(
        () => false,
        (error: unknown) => {
          if (error instanceof RequestRefused && error.status === 404) return true;
          throw error;
        },
      ),
    );
  }

  instancesPath(host: string): string {
    const found = this.#cluster.description.hosts.find(({ name }) => name === host);
    if (found === undefined) throw new Error(`no host ${host}`);
    return found.instances_path;
  }

  /** Folder of the server on a host, whether it is there or not. */
  folder(id: string, host: string): string {
    return join(this.instancesPath(host), id);
  }

  /** Every folder of this server on every host, as `host:name`: its home, and what a move has left. */
  homes(id: string): string[] {
    return this.#cluster.description.hosts.flatMap(({ name, instances_path }) =>
      (existsSync(instances_path) ? readdirSync(instances_path) : [])
        .filter((entry) => entry.startsWith(id))
        .map((entry) => `${name}:${entry.replace(id, 'ID')}`),
    );
  }
}

/** The host a server is on. @throws Error when it is on none */
export function hostOf(server: Server): string {
  const host = server['OS-EXT-SRV-ATTR:host'];
  if (host === null) throw new Error(`server ${server.id} is on no host`);
  return host;
}
