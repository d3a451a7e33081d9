import type { FastifyInstance } from 'fastify';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrapIdentity } from '../../../services/api/identity/bootstrap.ts';
import { apiMetrics } from '../../../services/api/metrics/api-metrics.ts';
import { clusterMetrics } from '../../../services/api/metrics/cluster-metrics.ts';
import { buildServer } from '../../../services/api/server.ts';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import type { Pool } from '../../../shared/database/connect.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { createPolicyRegistry } from '../../../shared/policy/default-registry.ts';
import { PolicyEnforcer } from '../../../shared/policy/enforcer.ts';
import { droverPolicyRules } from '../../../services/api/drover/policies.ts';
import { createTestDatabase } from '../support/database.ts';

export type Actor = 'admin' | 'demo' | 'alice' | 'rhea';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The parsed body, or undefined. */
  readonly body: any;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly token?: string | null;
}

export interface ApiFixture {
  readonly app: FastifyInstance;
  readonly pool: Pool;
  readonly tokens: Readonly<Record<Actor, string>>;
  /** Where the bytes of images are. */
  readonly store_path: string;
  /** Logged lines, to look for what must not be in them. */
  readonly log_lines: readonly string[];
  call(actor: Actor | null, url: string, call?: Call): Promise<Answer>;
  logIn(user: string, password: string, project?: string | null): Promise<Answer>;
  idOf(table: 'users' | 'projects' | 'roles', name: string): Promise<string>;
  close(): Promise<void>;
}

export const actorProjects: Readonly<Record<Actor, string>> = {
  admin: 'admin',
  demo: 'demo',
  alice: 'other',
  rhea: 'demo',
};
const actorRoles: Readonly<Record<Actor, string>> = {
  admin: 'admin',
  demo: 'member',
  alice: 'member',
  rhea: 'reader',
};
const actors = Object.keys(actorProjects) as Actor[];

/** The whole api on a database of its own, with the actors of the conformance pack logged in. */
export async function createApiFixture(): Promise<ApiFixture> {
  const database = await createTestDatabase();
  const { pool } = database;
  const store_path = mkdtempSync(join(tmpdir(), 'drover-images-'));
  const log_lines: string[] = [];
  const log = createLogger({
    process_name: 'api',
    level: 'debug',
    destination: { write: (line: string) => void log_lines.push(line) },
  });
  const configuration = loadConfiguration([], {
    overrides: {
      identity: { password_hash_cost: 10 },
      image: { store_path, max_size_bytes: 4_194_304 },
    },
  });
  const policy = new PolicyEnforcer({
    registry: createPolicyRegistry(droverPolicyRules),
    policy_file: '/nonexistent/policy.yaml',
    policy_dirs: [],
    default_rule: 'default',
    enforce_new_defaults: false,
    log,
  });
  const app = buildServer({
    pool,
    configuration,
    policy,
    log,
    metrics: { api: apiMetrics(), cluster: clusterMetrics(pool, 60) },
    wakeOutbox: () => {},
  });
  await bootstrapIdentity(pool, {
    roles: ['admin', 'member', 'reader'],
    projects: ['admin', 'demo', 'other'].map((name) => ({ name })),
    users: actors.map((name) => ({ name, password: name })),
    assignments: actors.map((user) => ({ user, project: actorProjects[user], role: actorRoles[user] })),
    region: 'RegionOne',
    urls: { identity: 'http://i/v3', compute: 'http://c/v2.1', image: 'http://m', drover: 'http://d' },
    password_hash_cost: 10,
  });
  await app.ready();

  const inject = async (url: string, call: Call, token: string | null): Promise<Answer> => {
    const is_raw = call.body === undefined || typeof call.body === 'string' || Buffer.isBuffer(call.body);
    const response = await app.inject({
      method: (call.method ?? 'GET') as 'GET',
      url,
      headers: {
        ...(token === null ? {} : { 'x-auth-token': token }),
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
      ...(call.body === undefined
        ? {}
        : { payload: (is_raw ? call.body : JSON.stringify(call.body)) as string }),
    });
    let body: unknown;
    try {
      body = JSON.parse(response.payload);
    } catch {
      body = undefined;
    }
    return { status: response.statusCode, headers: response.headers, text: response.payload, body };
  };

  const logIn: ApiFixture['logIn'] = (user, password, project = null) =>
    inject(
      '/identity/v3/auth/tokens',
      {
        method: 'POST',
        body: {
          auth: {
            identity: {
              methods: ['password'],
              password: { user: { name: user, domain: { name: 'Default' }, password } },
            },
            ...(project === null
              ? {}
              : { scope: { project: { name: project, domain: { name: 'Default' } } } }),
          },
        },
      },
      null,
    );

  const tokens = {} as Record<Actor, string>;
  for (const actor of actors) {
    const answer = await logIn(actor, actor, actorProjects[actor]);
    tokens[actor] = String(answer.headers['x-subject-token']);
  }

  return {
    app,
    pool,
    tokens,
    store_path,
    log_lines,
    call: (actor, url, call = {}) =>
      inject(url, call, call.token === undefined ? (actor === null ? null : tokens[actor]) : call.token),
    logIn,
    async idOf(table, name) {
      const { rows } = await pool.query<{ id: string }>(`select id from ${table} where name = $1`, [name]);
      return rows[0]!.id;
    },
    async close() {
      await app.close();
      await database.drop();
      rmSync(store_path, { recursive: true, force: true });
    },
  };
}
