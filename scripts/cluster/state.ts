import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, recordOf, type ProcessRecord } from './processes.ts';
import type { World } from './world.ts';

/** One simulated host: a loopback address of its own, shared with other clusters' hosts; the ports differ. */
export interface HostState {
  readonly name: string;
  readonly address: string;
  readonly ssh_port: number;
  readonly broker_password: string;
}

/** Everything that must survive between two runs of `up`: ports, secrets, the world. Only its owner may read it. */
export interface ClusterState {
  readonly version: 1;
  /** Random; in the environment of every process of this cluster. */
  readonly cluster_id: string;
  readonly world: World;
  readonly world_file: string | null;
  /** `section.option=value`, as given with --set. */
  readonly settings: readonly string[];
  readonly schedulers: number;
  /** Given by DROVER_DATABASE_URL and DROVER_TRANSPORT_URL: not started and not stopped by us. */
  readonly external_database_url: string | null;
  readonly external_transport_url: string | null;
  readonly ports: {
    readonly api: number;
    readonly database: number;
    readonly broker: number;
    readonly distribution: number;
    readonly epmd: number;
  };
  readonly secrets: {
    readonly database_password: string;
    readonly broker_password: string;
    readonly cookie: string;
  };
  readonly hosts: readonly HostState[];
}

/** Where things lie in a cluster's folder. */
export interface ClusterPaths {
  readonly folder: string;
  readonly logs: string;
  readonly etc: string;
  readonly ready: string;
  readonly hosts: string;
}

export function clusterPaths(folder: string): ClusterPaths {
  const below = (name: string) => join(folder, name);
  return { folder, logs: below('logs'), etc: below('etc'), ready: below('ready'), hosts: below('hosts') };
}

/** Everything that `up` may make directly below the folder: `down` removes these and nothing else. */
export const ownedEntries = [
  'clouds.yaml',
  'cluster.json',
  'etc',
  'hosts',
  'images',
  'lock',
  'logs',
  'openrc',
  'openrc-demo',
  'postgres',
  'processes.json',
  'rabbitmq',
  'ready',
  'state',
  'state.json',
] as const;

export const newSecret = (): string => randomBytes(18).toString('base64url');

function readJson(file: string): unknown {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** Whole or not at all, and for the owner alone: the content holds passwords. */
export function writePrivate(file: string, content: string): void {
  const draft = `${file}.draft`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}

export function loadState(folder: string): ClusterState | null {
  return readJson(join(folder, 'state.json')) as ClusterState | null;
}

export function saveState(folder: string, state: ClusterState): void {
  writePrivate(join(folder, 'state.json'), `${JSON.stringify(state, null, 2)}\n`);
}

/** Process name → record. Names: postgres, epmd, rabbitmq, api-1, scheduler-1, agent-HOST, sshd-HOST. */
export type ProcessTable = Record<string, ProcessRecord>;

export function loadProcesses(folder: string): ProcessTable {
  return (readJson(join(folder, 'processes.json')) ?? {}) as ProcessTable;
}

export function saveProcesses(folder: string, table: ProcessTable): void {
  writePrivate(join(folder, 'processes.json'), `${JSON.stringify(table, null, 2)}\n`);
}

/**
 * Lets only one `up` or `down` work on a folder at a time. A lock whose holder has died counts for nothing.
 * @throws Error when another one is at work
 */
export function lockFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const file = join(folder, 'lock');
  const holder = readJson(file) as ProcessRecord | null;
  if (holder !== null && holder.pid !== process.pid && isAlive(holder))
    throw new Error(`process ${holder.pid} is working on ${folder} already; wait for it, or end it first`);
  writePrivate(file, JSON.stringify(recordOf(process.pid)));
}
