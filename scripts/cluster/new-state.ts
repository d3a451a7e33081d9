import { randomBytes } from 'node:crypto';
import { freePorts } from './ports.ts';
import { newSecret, type ClusterState, type HostState } from './state.ts';
import { readWorld } from './world-file.ts';
import { defaultWorld, withHosts, type World } from './world.ts';

export interface StartOptions {
  readonly folder: string;
  /** Null: as many as the cluster has, or the world names, or 3. */
  readonly host_count: number | null;
  /** Null: the one of the file, else the default one. */
  readonly world: World | null;
  readonly world_file: string | null;
  /** `section.option=value`; null: as before. */
  readonly settings: readonly string[] | null;
  /** Null: a free one. */
  readonly api_port: number | null;
  readonly schedulers: number | null;
}

const DEFAULT_HOSTS = 3;

/** 127.0.1.1 … 127.0.1.254, then 127.0.2.1 …: the whole of 127/8 is this machine. */
function hostAddress(number: number): string {
  const index = number - 1;
  return `127.0.${1 + Math.floor(index / 254)}.${(index % 254) + 1}`;
}

async function newHosts(world: World, first_number: number): Promise<HostState[]> {
  const names = world.hosts.slice(first_number - 1).map((host) => host.name);
  return Promise.all(
    names.map(async (name, index) => {
      const address = hostAddress(first_number + index);
      const [ssh_port = 0] = await freePorts(1, address);
      return { name, address, ssh_port, broker_password: newSecret() };
    }),
  );
}

function chooseWorld(options: StartOptions): World {
  if (options.world !== null) return options.world;
  if (options.world_file === null) return defaultWorld(options.host_count ?? DEFAULT_HOSTS);
  const world = readWorld(options.world_file);
  return options.host_count === null ? world : withHosts(world, options.host_count);
}

/** Chooses ports and secrets for a cluster that does not exist yet. */
export async function newState(options: StartOptions): Promise<ClusterState> {
  const world = chooseWorld(options);
  const [api = 0, database = 0, broker = 0, distribution = 0, epmd = 0] = await freePorts(5);
  return {
    version: 1,
    cluster_id: randomBytes(6).toString('hex'),
    world,
    world_file: options.world_file,
    settings: options.settings ?? [],
    schedulers: options.schedulers ?? 1,
    external_database_url: process.env['DROVER_DATABASE_URL'] ?? null,
    external_transport_url: process.env['DROVER_TRANSPORT_URL'] ?? null,
    ports: { api: options.api_port ?? api, database, broker, distribution, epmd },
    secrets: { database_password: newSecret(), broker_password: newSecret(), cookie: newSecret() },
    hosts: await newHosts(world, 1),
  };
}

/**
 * What `up` with these options makes of a cluster that exists: hosts may be added, settings changed.
 * @throws Error for a change that a running cluster cannot take
 */
export async function changedState(state: ClusterState, options: StartOptions): Promise<ClusterState> {
  const refuse = (what: string) =>
    new Error(
      `the cluster in ${options.folder} ${what}; take it down first: scripts/down --dir ${options.folder}`,
    );
  if (options.world_file !== null && options.world_file !== state.world_file)
    throw refuse(`was made from ${state.world_file ?? 'the default world'}`);
  if (options.api_port !== null && options.api_port !== state.ports.api)
    throw refuse(`listens on port ${state.ports.api}`);
  const count = options.host_count ?? state.hosts.length;
  if (count < state.hosts.length) throw refuse(`has ${state.hosts.length} hosts`);
  const world = withHosts(state.world, count);
  return {
    ...state,
    world,
    settings: options.settings ?? state.settings,
    schedulers: options.schedulers ?? state.schedulers,
    hosts: [...state.hosts, ...(await newHosts(world, state.hosts.length + 1))],
  };
}
