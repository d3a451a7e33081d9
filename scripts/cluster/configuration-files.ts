import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostKeyFile } from './sshd.ts';
import { clusterPaths, writePrivate, type ClusterState, type HostState } from './state.ts';

type Sections = Record<string, Record<string, string | number | boolean>>;

/** INI in oslo.config's dialect. */
function renderIni(sections: Sections): string {
  return Object.entries(sections)
    .filter(([, options]) => Object.keys(options).length > 0)
    .map(([name, options]) =>
      [
        `[${name}]`,
        ...Object.entries(options).map(([option, value]) => `${option} = ${String(value)}`),
        '',
      ].join('\n'),
    )
    .join('\n');
}

/** @throws Error for a --set that is not `section.option=value` */
function withSettings(sections: Sections, settings: readonly string[]): Sections {
  for (const setting of settings) {
    const found = /^([A-Za-z_]+)\.([a-z_]+)=(.*)$/s.exec(setting);
    if (found === null) throw new Error(`--set takes section.option=value, not "${setting}"`);
    const [, section = '', option = '', value = ''] = found;
    (sections[section] ??= {})[option] = value;
  }
  return sections;
}

export const controlConfigurationFile = (folder: string): string =>
  join(clusterPaths(folder).etc, 'drover.conf');
export const agentConfigurationFile = (folder: string, host: string): string =>
  join(clusterPaths(folder).etc, `agent-${host}.conf`);
export const hostFolder = (folder: string, host: string): string => join(clusterPaths(folder).hosts, host);
export const hostStateFolder = (folder: string, host: string): string =>
  join(hostFolder(folder, host), 'state');
export const instancesFolder = (folder: string, host: string): string =>
  join(hostFolder(folder, host), 'instances');
export const authorizedKeysFile = (folder: string, host: string): string =>
  join(hostStateFolder(folder, host), 'authorized_keys');

export const imagesFolder = (folder: string): string => join(folder, 'images');

export interface ServerUrls {
  readonly database_url: string;
  readonly transport_url: string;
  /** Root of the api: http://127.0.0.1:PORT */
  readonly api_url: string;
}

/** A private cluster is small and near: what waits for minutes in a data centre waits for seconds here. */
const QUICK = { report_interval: 2, service_down_time: 20 };

/** Far below the default: passwords here are long and random, and clients log in for every command. */
export const PASSWORD_HASH_COST = 12;

/** For the api and the schedulers. */
export function writeControlConfiguration(folder: string, state: ClusterState, urls: ServerUrls): void {
  const { settings: worldSettings, quota } = state.world;
  const sections = withSettings(
    {
      DEFAULT: {
        ...QUICK,
        my_ip: '127.0.0.1',
        state_path: join(folder, 'state'),
        osapi_compute_listen: '127.0.0.1',
        osapi_compute_listen_port: state.ports.api,
        transport_url: urls.transport_url,
        ...worldSettings,
      },
      database: { connection: urls.database_url },
      identity: { password_hash_cost: PASSWORD_HASH_COST },
      image: { store_path: imagesFolder(folder) },
      oslo_policy: { policy_file: join(clusterPaths(folder).etc, 'policy.yaml') },
      quota,
      drover: {
        public_url: urls.api_url,
        // On a broker that is not ours the agents share its one user, so the broker cannot vouch for them.
        ...(state.external_transport_url === null ? {} : { verify_event_sender: false }),
      },
    },
    state.settings,
  );
  writePrivate(controlConfigurationFile(folder), renderIni(sections));
  const policy = join(clusterPaths(folder).etc, 'policy.yaml');
  if (!existsSync(policy))
    writeFileSync(
      policy,
      '# Rules that differ from the defaults, in the language of oslo.policy. Read again when this file changes.\n',
    );
  for (const name of ['state', 'images']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
}

/** For one agent: no database, and its own user of the broker. */
export function writeAgentConfiguration(
  folder: string,
  state: ClusterState,
  host: HostState,
  transport_url: string,
): void {
  const size = state.world.hosts.find((one) => one.name === host.name);
  for (const needed of [hostStateFolder(folder, host.name), instancesFolder(folder, host.name)])
    mkdirSync(needed, { recursive: true, mode: 0o700 });
  const forAll = state.world.settings;
  const sections = withSettings(
    {
      DEFAULT: {
        ...QUICK,
        ...forAll,
        host: host.name,
        my_ip: host.address,
        state_path: hostStateFolder(folder, host.name),
        instances_path: instancesFolder(folder, host.name),
        transport_url,
        compute_driver: 'fake.FakeDriver',
        reserved_host_memory_mb: size?.reserved_memory_mb ?? 512,
      },
      fake:
        size === undefined ? {} : { vcpus: size.vcpus, memory_mb: size.memory_mb, local_gb: size.local_gb },
      mover: {
        ssh_port: host.ssh_port,
        authorized_keys_path: authorizedKeysFile(folder, host.name),
        host_key_paths: `${hostKeyFile(hostFolder(folder, host.name))}.pub`,
      },
    },
    state.settings.filter((setting) => !setting.startsWith('database.')),
  );
  writePrivate(agentConfigurationFile(folder, host.name), renderIni(sections));
}
