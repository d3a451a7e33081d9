import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { connectDatabase, type Pool } from '../../../shared/database/connect.ts';
import { migrateDatabase } from '../../../shared/database/migrate.ts';

const migrationsFolder = join(import.meta.dirname, '../../../migrations');

/** Any number, the same in all test processes: guards the making of the template. */
const TEMPLATE_LOCK = 4402;

function serverUrl(database?: string): string {
  const given = process.env['DROVER_DATABASE_URL'];
  if (given === undefined)
    throw new Error('DROVER_DATABASE_URL is not set: run this in the functional project');
  const url = new URL(given);
  if (database !== undefined) url.pathname = `/${database}`;
  return url.href;
}

async function onServer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Named after the migrations' content: a changed schema gets a new template, also on a server that stays. */
function templateName(): string {
  const digest = createHash('sha256');
  for (const file of readdirSync(migrationsFolder).sort()) {
    digest.update(file);
    digest.update(readFileSync(join(migrationsFolder, file)));
  }
  return `drover_template_${digest.digest('hex').slice(0, 12)}`;
}

/** Makes the template if no test has made it yet. Cloning it takes 20 ms, migrating from nothing ten times that. */
export async function ensureTemplateDatabase(): Promise<string> {
  const name = templateName();
  await onServer(async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const found = await client.query('select from pg_database where datname = $1', [name]);
    if (found.rowCount === 1) return;
    const unfinished = `${name}_unfinished`;
    await client.query(`drop database if exists ${unfinished} with (force)`);
    await client.query(`create database ${unfinished}`);
    await migrateDatabase(serverUrl(unfinished));
    await client.query(`alter database ${unfinished} rename to ${name}`);
  });
  return name;
}

export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  /** Closes the pool and drops the database; ends connections that others still hold. */
  drop(): Promise<void>;
}

/** A database of its own for one test file: a clone of the template with the present schema. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = await ensureTemplateDatabase();
  const name = `drover_test_${randomBytes(6).toString('hex')}`;
  await onServer((client) => client.query(`create database ${name} template ${template}`));
  const url = serverUrl(name);
  const pool = connectDatabase(
    { connection: url, max_pool_size: 10, application_name: 'drover-test' },
    // A dropped database ends its idle connections: that is wanted here.
    () => undefined,
  );
  return {
    url,
    pool,
    async drop() {
      await pool.end();
      await onServer((client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}
