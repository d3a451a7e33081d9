import { inTransaction, type Pool, type Queryable } from '../../../shared/database/connect.ts';
import { newIdentityId } from './ids.ts';
import { hashPassword } from './passwords.ts';

/** The state that a new cluster starts with. Names, not ids: ids are made here and stay. */
export interface IdentityBootstrap {
  readonly roles: readonly string[];
  readonly projects: readonly { readonly name: string; readonly description?: string }[];
  readonly users: readonly { readonly name: string; readonly password: string }[];
  readonly assignments: readonly { readonly user: string; readonly project: string; readonly role: string }[];
  readonly region: string;
  /** Public URLs, e.g. http://127.0.0.1:8774/identity/v3, …/v2.1, …/image, …/drover/v1. */
  readonly urls: Readonly<Record<(typeof services)[number][0], string>>;
  /** Power of two; option `[identity] password_hash_cost`. */
  readonly password_hash_cost: number;
}

const implications = [
  ['admin', 'member'],
  ['member', 'reader'],
] as const;

const services = [
  ['identity', 'keystone'],
  ['compute', 'nova'],
  ['image', 'glance'],
  ['drover', 'drover'],
] as const;

/**
 * Makes what is missing and leaves the rest: run twice, the second run changes nothing but the endpoints' URLs
 * (which follow the configuration). Passwords of users that exist are left alone.
 */
export async function bootstrapIdentity(pool: Pool, wanted: IdentityBootstrap): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(`select name from users where domain_id = 'default'`);
  const known = new Set(rows.map((row) => row.name));
  const added = await Promise.all(
    wanted.users
      .filter((user) => !known.has(user.name))
      .map(async (user) => ({
        name: user.name,
        password_hash: await hashPassword(user.password, wanted.password_hash_cost),
      })),
  );
  await inTransaction(pool, async (transaction) => {
    for (const name of wanted.roles)
      await transaction.query(`insert into roles (id, name) values ($1, $2) on conflict (name) do nothing`, [
        newIdentityId(),
        name,
      ]);
    for (const [prior, implied] of implications)
      await transaction.query(
        `insert into role_implications (prior_role_id, implied_role_id)
         select prior.id, implied.id from roles prior, roles implied where prior.name = $1 and implied.name = $2
         on conflict do nothing`,
        [prior, implied],
      );
    for (const project of wanted.projects)
      await transaction.query(
        `insert into projects (id, domain_id, name, description) values ($1, 'default', $2, $3)
         on conflict (domain_id, name) do nothing`,
        [newIdentityId(), project.name, project.description ?? ''],
      );
    for (const user of added)
      await transaction.query(
        `insert into users (id, domain_id, name, password_hash) values ($1, 'default', $2, $3)
         on conflict (domain_id, name) do nothing`,
        [newIdentityId(), user.name, user.password_hash],
      );
    for (const { user, project, role } of wanted.assignments)
      await transaction.query(
        `insert into role_assignments (user_id, project_id, role_id)
         select users.id, projects.id, roles.id from users, projects, roles
         where users.name = $1 and projects.name = $2 and roles.name = $3
           and users.domain_id = 'default' and projects.domain_id = 'default'
         on conflict do nothing`,
        [user, project, role],
      );
    await bootstrapCatalog(transaction, wanted);
  });
}

async function bootstrapCatalog(transaction: Queryable, wanted: IdentityBootstrap): Promise<void> {
  for (const [type, name] of services) {
    await transaction.query(
      `insert into catalog_services (id, type, name) values ($1, $2, $3) on conflict (type) do nothing`,
      [newIdentityId(), type, name],
    );
    for (const access of ['public', 'internal', 'admin'])
      await transaction.query(
        `insert into catalog_endpoints (id, service_id, interface, region_id, url)
         select $1, id, $2, $3, $4 from catalog_services where type = $5
         on conflict (service_id, interface, region_id) do update set url = excluded.url`,
        [newIdentityId(), access, wanted.region, wanted.urls[type], type],
      );
  }
}
