import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { bodySchema } from '../http/validate.ts';
import type { ApiServices } from '../services.ts';
import { newIdentityId } from './ids.ts';
import { hashPassword, PASSWORD_LENGTH_MAX, verifyPassword } from './passwords.ts';
import {
  bodyOf,
  booleanSchema,
  descriptionSchema,
  filterBoolean,
  filtersOf,
  isDuplicate,
  itemLink,
  listLinks,
  requireRight,
  textSchema,
} from './requests.ts';
import type { IdentityTokens } from './token-authority.ts';

interface UserRow {
  readonly id: string;
  readonly domain_id: string;
  readonly name: string;
  readonly default_project_id: string | null;
  readonly enabled: boolean;
  readonly extra: Readonly<Record<string, string>>;
}

interface UserBody {
  readonly name?: string;
  readonly domain_id?: string | null;
  readonly password?: string | null;
  readonly default_project_id?: string | null;
  readonly enabled?: boolean;
  readonly description?: string | null;
  readonly email?: string | null;
}

const columns = 'id, domain_id, name, default_project_id, enabled, extra';

const properties: JsonSchema['properties'] = {
  name: textSchema,
  domain_id: { type: ['string', 'null'], maxLength: 64 },
  password: { type: ['string', 'null'], maxLength: PASSWORD_LENGTH_MAX },
  default_project_id: { type: ['string', 'null'], maxLength: 64 },
  enabled: booleanSchema,
  description: descriptionSchema,
  email: descriptionSchema,
  options: { type: 'object' },
};
const createSchema = bodySchema<UserBody & { name: string }>({
  type: 'object',
  properties,
  required: ['name'],
});
const updateSchema = bodySchema<UserBody>({ type: 'object', properties, minProperties: 1 });
const passwordText: JsonSchema = { type: 'string', minLength: 1, maxLength: PASSWORD_LENGTH_MAX };
const passwordSchema = bodySchema<{ password: string; original_password: string }>({
  type: 'object',
  properties: { password: passwordText, original_password: passwordText },
  required: ['password', 'original_password'],
});

function userView(request: FastifyRequest, row: UserRow): object {
  return {
    id: row.id,
    name: row.name,
    domain_id: row.domain_id,
    enabled: row.enabled,
    password_expires_at: null,
    options: {},
    ...(row.default_project_id === null ? {} : { default_project_id: row.default_project_id }),
    ...row.extra,
    links: itemLink(request, 'users', row.id),
  };
}

/** What Keystone keeps beside its columns, of that what clients send. Null removes. */
function extraOf(body: UserBody, before: UserRow['extra'] = {}): UserRow['extra'] {
  const extra = { ...before };
  for (const name of ['description', 'email'] as const) {
    const value = body[name];
    if (value === null) delete extra[name];
    else if (value !== undefined) extra[name] = value;
  }
  return extra;
}

/** @throws DroverError identity_not_found */
async function readUser(database: Queryable, id: string): Promise<UserRow> {
  const { rows } = await database.query<UserRow>(`select ${columns} from users where id = $1`, [id]);
  if (rows[0] === undefined) throw new DroverError('identity_not_found', { kind: 'user', id });
  return rows[0];
}

/** /v3/users */
export function registerUsers(
  app: FastifyInstance,
  { pool, configuration }: ApiServices,
  tokens: IdentityTokens,
): void {
  const hash = (password: string) => hashPassword(password, configuration.identity.password_hash_cost);

  app.get('/v3/users', async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_users');
    const { name, domain_id, enabled } = filtersOf(request, ['name', 'domain_id', 'enabled']);
    const { rows } = await pool.query<UserRow>(
      `select ${columns} from users
       where ($1::text is null or name = $1) and ($2::text is null or domain_id = $2)
         and ($3::boolean is null or enabled = $3) order by id`,
      [name ?? null, domain_id ?? null, filterBoolean(enabled)],
    );
    return { users: rows.map((row) => userView(request, row)), links: listLinks(request) };
  });

  app.get<{ Params: { id: string } }>('/v3/users/:id', async (request) => {
    const { caller, params } = request;
    requireRight(caller.is_admin || caller.user_id === params.id, 'identity:get_user');
    return { user: userView(request, await readUser(pool, params.id)) };
  });

  app.post('/v3/users', async (request, reply) => {
    requireRight(request.caller.is_admin, 'identity:create_user');
    const body = bodyOf(request, 'user', createSchema);
    const domain_id = body.domain_id ?? request.caller.user_domain_id;
    const password_hash = typeof body.password === 'string' ? await hash(body.password) : null;
    const { rows } = await refuseDuplicate(body.name, () =>
      pool.query<UserRow>(
        `insert into users (id, domain_id, name, password_hash, default_project_id, enabled, extra)
         select $1, id, $3, $4, $5, $6, $7 from domains where id = $2 returning ${columns}`,
        [
          newIdentityId(),
          domain_id,
          body.name,
          password_hash,
          body.default_project_id ?? null,
          body.enabled ?? true,
          extraOf(body),
        ],
      ),
    );
    if (rows[0] === undefined) throw new DroverError('identity_not_found', { kind: 'domain', id: domain_id });
    return reply.code(201).send({ user: userView(request, rows[0]) });
  });

  app.patch<{ Params: { id: string } }>('/v3/users/:id', async (request) => {
    requireRight(request.caller.is_admin, 'identity:update_user');
    const body = bodyOf(request, 'user', updateSchema);
    const before = await readUser(pool, request.params.id);
    const password_hash = typeof body.password === 'string' ? await hash(body.password) : null;
    const { rows } = await refuseDuplicate(body.name ?? before.name, () =>
      pool.query<UserRow>(
        `update users set name = $2, enabled = $3, default_project_id = $4, extra = $5,
           password_hash = coalesce($6, password_hash) where id = $1 returning ${columns}`,
        [
          before.id,
          body.name ?? before.name,
          body.enabled ?? before.enabled,
          body.default_project_id === undefined ? before.default_project_id : body.default_project_id,
          extraOf(body, before.extra),
          password_hash,
        ],
      ),
    );
    // A changed password or a disabled user ends what they are logged in with.
    if (password_hash !== null || body.enabled === false) await endTokens(before.id);
    tokens.forgetAll();
    return { user: userView(request, rows[0] ?? before) };
  });

  app.post<{ Params: { id: string } }>('/v3/users/:id/password', async (request, reply) => {
    const { caller, params } = request;
    requireRight(caller.user_id === params.id, 'identity:change_password');
    const body = bodyOf(request, 'user', passwordSchema);
    const { rows } = await pool.query<{ password_hash: string | null }>(
      `select password_hash from users where id = $1`,
      [params.id],
    );
    const cost = configuration.identity.password_hash_cost;
    if (!(await verifyPassword(body.original_password, rows[0]?.password_hash ?? null, cost)))
      throw new DroverError('unauthenticated');
    await pool.query(`update users set password_hash = $2 where id = $1`, [
      params.id,
      await hash(body.password),
    ]);
    await endTokens(params.id);
    return reply.code(204).send();
  });

  app.delete<{ Params: { id: string } }>('/v3/users/:id', async (request, reply) => {
    requireRight(request.caller.is_admin, 'identity:delete_user');
    const user = await readUser(pool, request.params.id);
    await pool.query(`delete from users where id = $1`, [user.id]);
    tokens.forgetAll();
    return reply.code(204).send();
  });

  async function endTokens(user_id: string): Promise<void> {
    await pool.query(`delete from tokens where user_id = $1`, [user_id]);
    tokens.forgetAll();
  }
}

async function refuseDuplicate<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isDuplicate(error)) throw new DroverError('identity_conflict', { kind: 'user', name });
    throw error;
  }
}
