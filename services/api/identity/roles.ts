import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { bodySchema } from '../http/validate.ts';
import type { ApiServices } from '../services.ts';
import { newIdentityId } from './ids.ts';
import {
  bodyOf,
  descriptionSchema,
  filtersOf,
  isDuplicate,
  itemLink,
  listLinks,
  requireRight,
  textSchema,
} from './requests.ts';
import type { IdentityTokens } from './token-authority.ts';

interface RoleRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
}

/** Policy rules name these three; they can be neither changed nor deleted. */
const immutableRoles = ['admin', 'member', 'reader'];

const createSchema = bodySchema<{ name: string; description?: string | null }>({
  type: 'object',
  properties: { name: textSchema, description: descriptionSchema },
  required: ['name'],
});

function roleView(request: FastifyRequest, row: RoleRow): object {
  return {
    id: row.id,
    name: row.name,
    domain_id: null,
    description: row.description,
    options: immutableRoles.includes(row.name) ? { immutable: true } : {},
    links: itemLink(request, 'roles', row.id),
  };
}

/** @throws DroverError identity_not_found */
async function readRole(database: Queryable, id: string): Promise<RoleRow> {
  const { rows } = await database.query<RoleRow>(`select id, name, description from roles where id = $1`, [
    id,
  ]);
  if (rows[0] === undefined) throw new DroverError('identity_not_found', { kind: 'role', id });
  return rows[0];
}

/** /v3/roles */
export function registerRoles(app: FastifyInstance, { pool }: ApiServices, tokens: IdentityTokens): void {
  app.get('/v3/roles', async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_roles');
    const { name } = filtersOf(request, ['name']);
    const { rows } = await pool.query<RoleRow>(
      `select id, name, description from roles where $1::text is null or name = $1 order by id`,
      [name ?? null],
    );
    return { roles: rows.map((row) => roleView(request, row)), links: listLinks(request) };
  });

  app.get<{ Params: { id: string } }>('/v3/roles/:id', async (request) => {
    requireRight(request.caller.is_admin, 'identity:get_role');
    return { role: roleView(request, await readRole(pool, request.params.id)) };
  });

  app.post('/v3/roles', async (request, reply) => {
    requireRight(request.caller.is_admin, 'identity:create_role');
    const body = bodyOf(request, 'role', createSchema);
    try {
      const { rows } = await pool.query<RoleRow>(
        `insert into roles (id, name, description) values ($1, $2, $3) returning id, name, description`,
        [newIdentityId(), body.name, body.description ?? null],
      );
      return await reply.code(201).send({ role: rows[0] === undefined ? null : roleView(request, rows[0]) });
    } catch (error) {
      if (isDuplicate(error)) throw new DroverError('identity_conflict', { kind: 'role', name: body.name });
      throw error;
    }
  });

  app.delete<{ Params: { id: string } }>('/v3/roles/:id', async (request, reply) => {
    requireRight(request.caller.is_admin, 'identity:delete_role');
    const role = await readRole(pool, request.params.id);
    if (immutableRoles.includes(role.name)) throw new DroverError('role_immutable', { name: role.name });
    await pool.query(`delete from roles where id = $1`, [role.id]);
    tokens.forgetAll();
    return reply.code(204).send();
  });
}

interface GrantPath {
  readonly project_id: string;
  readonly user_id: string;
  readonly role_id: string;
}

/** Roles of users on projects: grants and /v3/role_assignments. */
export function registerGrants(app: FastifyInstance, { pool }: ApiServices, tokens: IdentityTokens): void {
  const grants = '/v3/projects/:project_id/users/:user_id/roles';

  app.get<{ Params: Omit<GrantPath, 'role_id'> }>(grants, async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_grants');
    await requireUserAndProject(pool, request.params);
    const { rows } = await pool.query<RoleRow>(
      `select id, name, description from roles
       where id in (select role_id from role_assignments where project_id = $1 and user_id = $2) order by id`,
      [request.params.project_id, request.params.user_id],
    );
    return { roles: rows.map((row) => roleView(request, row)), links: listLinks(request) };
  });

  app.put<{ Params: GrantPath }>(`${grants}/:role_id`, async (request, reply) => {
    requireRight(request.caller.is_admin, 'identity:create_grant');
    await requireUserAndProject(pool, request.params);
    await readRole(pool, request.params.role_id);
    const { user_id, project_id, role_id } = request.params;
    await pool.query(
      `insert into role_assignments (user_id, project_id, role_id) values ($1, $2, $3) on conflict do nothing`,
      [user_id, project_id, role_id],
    );
    tokens.forgetAll();
    return reply.code(204).send();
  });

  app.route<{ Params: GrantPath }>({
    method: ['HEAD', 'DELETE'],
    url: `${grants}/:role_id`,
    handler: async (request, reply) => {
      const removes = request.method === 'DELETE';
      requireRight(request.caller.is_admin, removes ? 'identity:revoke_grant' : 'identity:check_grant');
      const { user_id, project_id, role_id } = request.params;
      const where = 'user_id = $1 and project_id = $2 and role_id = $3';
      const { rowCount } = await pool.query(
        removes
          ? `delete from role_assignments where ${where}`
          : `select from role_assignments where ${where}`,
        [user_id, project_id, role_id],
      );
      if (rowCount === 0)
        throw new DroverError('identity_not_found', { kind: 'role assignment', id: role_id });
      if (removes) tokens.forgetAll();
      return reply.code(204).send();
    },
  });

  app.get('/v3/role_assignments', async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_role_assignments');
    const filters = filtersOf(request, [
      'user.id',
      'scope.project.id',
      'role.id',
      'include_names',
      'effective',
    ]);
    const { rows } = await pool.query<AssignmentRow>(assignmentsSql(filters.effective !== undefined), [
      filters['user.id'] ?? null,
      filters['scope.project.id'] ?? null,
      filters['role.id'] ?? null,
    ]);
    const withNames = filters.include_names !== undefined && filters.include_names !== 'False';
    return {
      role_assignments: rows.map((row) => assignmentView(request, row, withNames)),
      links: listLinks(request),
    };
  });
}

interface AssignmentRow {
  readonly user_id: string;
  readonly user_name: string;
  readonly project_id: string;
  readonly project_name: string;
  readonly role_id: string;
  readonly role_name: string;
}

function assignmentsSql(effective: boolean): string {
  const granted = effective
    ? `(with recursive implied as (
          select user_id, project_id, role_id from role_assignments
          union
          select user_id, project_id, implied_role_id from role_implications
          join implied on prior_role_id = implied.role_id)
        select * from implied)`
    : 'role_assignments';
  return `select users.id as user_id, users.name as user_name, projects.id as project_id,
      projects.name as project_name, roles.id as role_id, roles.name as role_name
    from ${granted} granted
    join users on users.id = granted.user_id
    join projects on projects.id = granted.project_id
    join roles on roles.id = granted.role_id
    where ($1::text is null or users.id = $1) and ($2::text is null or projects.id = $2)
      and ($3::text is null or roles.id = $3)
    order by users.id, projects.id, roles.id`;
}

function assignmentView(request: FastifyRequest, row: AssignmentRow, withNames: boolean): object {
  const domain = withNames ? { domain: { id: 'default', name: 'Default' } } : {};
  const name = (value: string) => (withNames ? { name: value } : {});
  return {
    scope: { project: { id: row.project_id, ...name(row.project_name), ...domain } },
    user: { id: row.user_id, ...name(row.user_name), ...domain },
    role: { id: row.role_id, ...name(row.role_name) },
    links: {
      assignment: itemLink(request, `projects/${row.project_id}/users/${row.user_id}/roles`, row.role_id)
        .self,
    },
  };
}

async function requireUserAndProject(
  database: Queryable,
  path: { readonly user_id: string; readonly project_id: string },
): Promise<void> {
  for (const [kind, table, id] of [
    ['user', 'users', path.user_id],
    ['project', 'projects', path.project_id],
  ] as const) {
    const { rowCount } = await database.query(`select from ${table} where id = $1`, [id]);
    if (rowCount === 0) throw new DroverError('identity_not_found', { kind, id });
  }
}
