import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { droverPolicyRules } from '../../../services/api/drover/policies.ts';
import { apiMetrics } from '../../../services/api/metrics/api-metrics.ts';
import { clusterMetrics } from '../../../services/api/metrics/cluster-metrics.ts';
import { buildServer } from '../../../services/api/server.ts';
import { bootstrapIdentity } from '../../../services/api/identity/bootstrap.ts';
import { hashToken } from '../../../services/api/identity/token-record.ts';
import { loadConfiguration, type ConfigurationOverrides } from '../../../shared/config/configuration.ts';
import type { Pool } from '../../../shared/database/connect.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { createPolicyRegistry } from '../../../shared/policy/default-registry.ts';
import { PolicyEnforcer } from '../../../shared/policy/enforcer.ts';
import { createTestDatabase } from '../support/database.ts';

/** admin: role admin on admin; demo: member of demo; rhea: reader of demo; alice: member of other. */
export type Actor = 'admin' | 'demo' | 'rhea' | 'alice';
const projects = { admin: 'admin', demo: 'demo', rhea: 'demo', alice: 'other' } as const;
const roles = { admin: 'admin', demo: 'member', rhea: 'reader', alice: 'member' } as const;
const actors = Object.keys(projects) as Actor[];

export const imageId = '6ea5b38a-8ef9-4b0e-84db-0212c08538eb';
export const missingId = '11111111-1111-1111-1111-111111111111';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: any;
  readonly text: string;
}

export interface ServersFixture {
  readonly app: FastifyInstance;
  readonly pool: Pool;
  readonly projectOf: (actor: Actor) => string;
  readonly userOf: (actor: Actor) => string;
  /** How often the api said that the outbox has something new. */
  readonly wakes: () => number;
  send(
    actor: Actor | null,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options?: {
      readonly version?: string;
      readonly body?: unknown;
      readonly raw?: string;
      /** Where `path` begins; the compute API unless said otherwise. */
      readonly root?: string;
    },
  ): Promise<Answer>;
  /** A server put into a state by hand: what the scheduler would have made of it. */
  server(columns?: Readonly<Record<string, unknown>>): Promise<string>;
  /** A finished move of this server, from compute1 to compute2. */
  finishedMigration(server: string, columns?: Readonly<Record<string, unknown>>): Promise<number>;
  close(): Promise<void>;
}

/** The api on a database of its own, with two flavors, one image, three hosts and a token per actor. */
export async function createServersFixture(
  overrides: ConfigurationOverrides = {},
  policy_file = '/nonexistent/policy.yaml',
): Promise<ServersFixture> {
  const database = await createTestDatabase();
  const { pool } = database;
  const log = createLogger({ process_name: 'api', level: 'silent' });
  const configuration = loadConfiguration([], { overrides });
  let wakes = 0;
  const app = buildServer({
    pool,
    configuration,
    log,
    policy: new PolicyEnforcer({
      registry: createPolicyRegistry(droverPolicyRules),
      policy_file,
      policy_dirs: [],
      default_rule: 'default',
      enforce_new_defaults: false,
      log,
    }),
    metrics: { api: apiMetrics(), cluster: clusterMetrics(pool, 60) },
    wakeOutbox: () => {
      wakes += 1;
    },
  });
  await bootstrapIdentity(pool, {
    roles: ['admin', 'member', 'reader'],
    projects: ['admin', 'demo', 'other'].map((name) => ({ name })),
    users: actors.map((name) => ({ name, password: name })),
    assignments: actors.map((user) => ({ user, project: projects[user], role: roles[user] })),
    region: 'RegionOne',
    urls: { identity: 'http://i/v3', compute: 'http://c/v2.1', image: 'http://m', drover: 'http://d' },
    password_hash_cost: 10,
  });
  const users = await idsByName(pool, 'users');
  const projectIds = await idsByName(pool, 'projects');
  const tokens = new Map<Actor, string>();
  for (const actor of actors) {
    const token = randomBytes(16).toString('hex');
    tokens.set(actor, token);
    await pool.query(
      `insert into tokens (token_hash, user_id, project_id, methods, audit_ids, issued_at, expires_at)
       values ($1, $2, $3, '{password}', '{x}', now(), now() + interval '1 hour')`,
      [hashToken(token), users.get(actor), projectIds.get(projects[actor])],
    );
  }
  await insertWorld(pool);

  const projectOf = (actor: Actor) => projectIds.get(projects[actor])!;
  const userOf = (actor: Actor) => users.get(actor)!;
  return {
    app,
    pool,
    projectOf,
    userOf,
    wakes: () => wakes,
    async send(actor, method, path, options = {}) {
      const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
      const answer = await app.inject({
        method,
        url: `${options.root ?? '/v2.1'}${path}`,
        headers: {
          ...(actor === null ? {} : { 'x-auth-token': tokens.get(actor)! }),
          ...(options.version === undefined ? {} : { 'openstack-api-version': `compute ${options.version}` }),
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(payload === undefined ? {} : { payload }),
      });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body:
          answer.body !== '' && String(answer.headers['content-type']).includes('json')
            ? answer.json()
            : null,
        text: answer.body,
      };
    },
    async server(columns = {}) {
      const flavor = await pool.query(`select to_jsonb(f) as flavor from flavors f where flavor_id = '42'`);
      return await insertRow(pool, 'instances', 'uuid', {
        uuid: randomUUID(),
        project_id: projectOf('admin'),
        user_id: userOf('admin'),
        name: 'vm',
        hostname: 'vm',
        reservation_id: 'r-aaaaaaaa',
        flavor: JSON.stringify(flavor.rows[0].flavor),
        image_id: imageId,
        host: 'compute1',
        node: 'compute1',
        availability_zone: 'nova',
        vm_state: 'active',
        power_state: 1,
        root_device_name: '/dev/sda',
        launched_at: '2026-11-21T08:00:00Z',
        ...columns,
      });
    },
    async finishedMigration(server, columns = {}) {
      return await insertRow(pool, 'migrations', 'id', {
        uuid: randomUUID(),
        instance_uuid: server,
        migration_type: 'migration',
        status: 'finished',
        phase: 'verify-resize',
        source_compute: 'compute1',
        source_node: 'compute1',
        dest_compute: 'compute2',
        dest_node: 'compute2',
        dest_host: '127.0.1.2',
        old_flavor: '{"id": 1}',
        new_flavor: '{"id": 1}',
        old_vm_state: 'active',
        user_id: userOf('admin'),
        project_id: projectOf('admin'),
        request_id: 'req-x',
        ...columns,
      });
    },
    async close() {
      await app.close();
      await database.drop();
    },
  };
}

async function idsByName(pool: Pool, table: 'users' | 'projects'): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ id: string; name: string }>(`select id, name from ${table}`);
  return new Map(rows.map((row) => [row.name, row.id]));
}

async function insertRow<Key>(
  pool: Pool,
  table: string,
  key: string,
  columns: Readonly<Record<string, unknown>>,
): Promise<Key> {
  const names = Object.keys(columns);
  const { rows } = await pool.query(
    `insert into ${table} (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})
     returning ${key}`,
    Object.values(columns),
  );
  return rows[0][key] as Key;
}

async function insertWorld(pool: Pool): Promise<void> {
  await pool.query(
    `insert into flavors (flavor_id, name, vcpus, memory_mb, root_gb)
     values ('42', 'm1.nano', 1, 64, 1), ('84', 'm1.micro', 2, 128, 2), ('zero', 'zero', 1, 64, 0)`,
  );
  await pool.query(
    `insert into images (id, name, status, visibility, disk_format, size_bytes, min_disk_gb, min_ram_mb)
     values ($1, 'cirros', 'active', 'public', 'raw', 1048576, 0, 0)`,
    [imageId],
  );
  for (const name of ['compute1', 'compute2', 'compute3']) {
    await pool.query(
      `with s as (
         insert into services (binary_name, host, topic, last_seen_at) values ('nova-compute', $1, 'compute', now())
         returning id
       )
       insert into hosts (service_id, name, hypervisor_hostname, hypervisor_type, hypervisor_version, address,
         agent_version, boot_id, report_sequence, vcpus, memory_mb, local_gb)
       select s.id, $1, $1, 'fake', 1000, '127.0.1.1', '0', 'b', 1, 1000, 800000, 600000 from s`,
      [name],
    );
  }
}
