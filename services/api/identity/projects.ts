import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { bodySchema } from '../http/validate.ts';
import type { ApiServices } from '../services.ts';
import { newIdentityId } from './ids.ts';
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

export interface ProjectRow {
  readonly id: string;
  readonly domain_id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
}

interface ProjectBody {
  readonly name?: string;
  readonly domain_id?: string;
  readonly description?: string | null;
  readonly enabled?: boolean;
}

const columns = 'projects.id, projects.domain_id, projects.name, projects.description, projects.enabled';

const properties: JsonSchema['properties'] = {
  name: { ...textSchema, maxLength: 64 },
  domain_id: { type: ['string', 'null'], maxLength: 64 },
  description: descriptionSchema,
  enabled: booleanSchema,
  is_domain: { enum: [false] },
  parent_id: { type: ['string', 'null'] },
  tags: { type: 'array', items: { type: 'string', maxLength: 255 } },
  options: { type: 'object' },
};
const createSchema = bodySchema<ProjectBody & { name: string }>({
  type: 'object',
  properties,
  required: ['name'],
});
const updateSchema = bodySchema<ProjectBody>({ type: 'object', properties, minProperties: 1 });

export function projectView(request: FastifyRequest, row: ProjectRow): object {
  return {
    id: row.id,
    name: row.name,
    domain_id: row.domain_id,
    description: row.description,
    enabled: row.enabled,
    parent_id: row.domain_id,
    is_domain: false,
    tags: [],
    options: {},
    links: itemLink(request, 'projects', row.id),
  };
}

export async function readProjectsOfUser(
  database: Queryable,
  user_id: string,
): Promise<readonly ProjectRow[]> {
  const { rows } = await database.query<ProjectRow>(
    `select ${columns} from projects
     where enabled and id in (select project_id from role_assignments where user_id = $1) order by id`,
    [user_id],
  );
  return rows;
}

/** @throws DroverError identity_not_found */
async function readProject(database: Queryable, id: string): Promise<ProjectRow> {
  const { rows } = await database.query<ProjectRow>(`select ${columns} from projects where id = $1`, [id]);
  if (rows[0] === undefined) throw new DroverError('identity_not_found', { kind: 'project', id });
  return rows[0];
}

/** /v3/projects */
export function registerProjects(app: FastifyInstance, { pool }: ApiServices, tokens: IdentityTokens): void {
  app.get('/v3/projects', async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_projects');
    const { name, domain_id, enabled } = filtersOf(request, ['name', 'domain_id', 'enabled']);
    const { rows } = await pool.query<ProjectRow>(
      `select ${columns} from projects
       where ($1::text is null or name = $1) and ($2::text is null or domain_id = $2)
         and ($3::boolean is null or enabled = $3) order by id`,
      [name ?? null, domain_id ?? null, filterBoolean(enabled)],
    );
    return { projects: rows.map((row) => projectView(request, row)), links: listLinks(request) };
  });

  app.get<{ Params: { id: string } }>('/v3/projects/:id', async (request) => {
    const { caller, params } = request;
    requireRight(caller.is_admin || caller.project_id === params.id, 'identity:get_project');
    return { project: projectView(request, await readProject(pool, params.id)) };
  });

  app.get<{ Params: { id: string } }>('/v3/users/:id/projects', async (request) => {
    const { caller, params } = request;
    requireRight(caller.is_admin || caller.user_id === params.id, 'identity:list_user_projects');
    const projects = await readProjectsOfUser(pool, params.id);
    return { projects: projects.map((row) => projectView(request, row)), links: listLinks(request) };
  });

  app.post('/v3/projects', async (request, reply) => {
    requireRight(request.caller.is_admin, 'identity:create_project');
    const body = bodyOf(request, 'project', createSchema);
    const domain_id = body.domain_id ?? request.caller.user_domain_id;
    const { rows } = await refuseDuplicate(body.name, () =>
      pool.query<ProjectRow>(
        `insert into projects (id, domain_id, name, description, enabled)
         select $1, id, $3, $4, $5 from domains where id = $2 returning ${columns}`,
        [newIdentityId(), domain_id, body.name, body.description ?? '', body.enabled ?? true],
      ),
    );
    if (rows[0] === undefined) throw new DroverError('identity_not_found', { kind: 'domain', id: domain_id });
    return reply.code(201).send({ project: projectView(request, rows[0]) });
  });

  app.patch<{ Params: { id: string } }>('/v3/projects/:id', async (request) => {
    requireRight(request.caller.is_admin, 'identity:update_project');
    const body = bodyOf(request, 'project', updateSchema);
    const before = await readProject(pool, request.params.id);
    const { rows } = await refuseDuplicate(body.name ?? before.name, () =>
      pool.query<ProjectRow>(
        `update projects set name = $2, description = $3, enabled = $4 where id = $1 returning ${columns}`,
        [
          before.id,
          body.name ?? before.name,
          body.description ?? before.description,
          body.enabled ?? before.enabled,
        ],
      ),
    );
    tokens.forgetAll();
    return { project: projectView(request, rows[0] ?? before) };
  });

  app.delete<{ Params: { id: string } }>('/v3/projects/:id', async (request, reply) => {
    requireRight(request.caller.is_admin, 'identity:delete_project');
    const project = await readProject(pool, request.params.id);
    await pool.query(`delete from projects where id = $1`, [project.id]);
    tokens.forgetAll();
    return reply.code(204).send();
  });
}

async function refuseDuplicate<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isDuplicate(error)) throw new DroverError('identity_conflict', { kind: 'project', name });
    throw error;
  }
}
