import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import type { Microversion } from '../http/microversion.ts';
import { nextLinks, pageLimit } from '../http/pagination.ts';
import {
  lastValue,
  limitSchema,
  validateQuery,
  type QuerySchema,
  type QueryValues,
} from '../http/validate.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { listMigrations, type MigrationSearch } from '../queries/migrations.ts';
import type { ApiServices } from '../services.ts';
import { migrationView } from '../views/migration-view.ts';
import { allow, versionCheck } from './server-access.ts';
import { defined, timeOf } from './server-search.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };

/** Below 2.59 nothing is checked and what is not known is ignored, `limit` included. */
function querySchema(version: Microversion): QuerySchema {
  const known = ['hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type'];
  const parameters: Record<string, JsonSchema> = Object.fromEntries(known.map((name) => [name, text]));
  if (version.atLeast(2, 59)) {
    parameters['limit'] = limitSchema;
    parameters['marker'] = text;
    parameters['changes-since'] = time;
  }
  if (version.atLeast(2, 66)) parameters['changes-before'] = time;
  if (version.atLeast(2, 80)) {
    parameters['user_id'] = text;
    parameters['project_id'] = text;
  }
  return { parameters, allows_others: !version.atLeast(2, 59) };
}

/** GET /os-migrations: every move of every server that still exists. */
export function registerMigrationRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-migrations', async (request) => {
    const query = validateQuery(querySchema(request.microversion), request.query);
    allow(services, request, serverPolicies.migrations);
    const hasPages = request.microversion.atLeast(2, 59);
    const limit = pageLimit(lastValue(query, 'limit'), services.configuration.api.max_limit);
    const rows = await listMigrations(
      services.pool,
      searchOf(query),
      hasPages ? { limit, marker: lastValue(query, 'marker') ?? null } : null,
    );
    const links = hasPages
      ? nextLinks(
          request,
          'os-migrations',
          { items: rows.length, limit, last_id: rows.at(-1)?.uuid },
          services.configuration.api.compute_link_prefix,
        )
      : undefined;
    const atLeast = versionCheck(request);
    return {
      migrations: rows.map((row) => migrationView(row, atLeast)),
      ...(links === undefined ? {} : { migrations_links: links }),
    };
  });
}

function searchOf(query: QueryValues): MigrationSearch {
  const value = (name: string): string | undefined => lastValue(query, name);
  const changes_since = timeOf(value('changes-since'));
  const changes_before = timeOf(value('changes-before'));
  if (changes_since !== undefined && changes_before !== undefined && changes_since > changes_before)
    throw new DroverError('changes_range_empty');
  return defined({
    host: value('host'),
    source_compute: value('source_compute'),
    status: value('status'),
    instance_uuid: value('instance_uuid'),
    migration_type: value('migration_type'),
    user_id: value('user_id'),
    project_id: value('project_id'),
    changes_since,
    changes_before,
  });
}
