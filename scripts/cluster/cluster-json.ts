import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { instancesFolder, type ServerUrls } from './configuration-files.ts';
import { writePrivate, type ClusterState, type ProcessTable } from './state.ts';

/** What other programs may know of a running cluster. Written by `up`, the same each time nothing has changed. */
export interface ClusterDescription {
  readonly urls: {
    readonly compute: string;
    readonly identity: string;
    readonly image: string;
    readonly drover: string;
  };
  readonly database_url: string;
  readonly transport_url: string;
  readonly processes: { readonly api: readonly number[]; readonly scheduler: readonly number[] };
  readonly hosts: ReadonlyArray<{
    readonly name: string;
    readonly address: string;
    readonly instances_path: string;
    readonly agent_pid: number;
    readonly sshd_pid: number;
    readonly ssh_port: number;
  }>;
}

export function writeClusterDescription(
  folder: string,
  state: ClusterState,
  urls: ServerUrls,
  table: ProcessTable,
): ClusterDescription {
  const pidsOf = (kind: string) =>
    Object.entries(table)
      .filter(([name]) => name.startsWith(`${kind}-`))
      .map(([, record]) => record.pid);
  const description: ClusterDescription = {
    urls: {
      compute: `${urls.api_url}/compute/v2.1`,
      identity: `${urls.api_url}/identity/v3`,
      image: `${urls.api_url}/image`,
      drover: `${urls.api_url}/drover/v1`,
    },
    database_url: urls.database_url,
    transport_url: urls.transport_url,
    processes: { api: pidsOf('api'), scheduler: pidsOf('scheduler') },
    hosts: state.hosts.map((host) => ({
      name: host.name,
      address: host.address,
      instances_path: instancesFolder(folder, host.name),
      agent_pid: table[`agent-${host.name}`]?.pid ?? 0,
      sshd_pid: table[`sshd-${host.name}`]?.pid ?? 0,
      ssh_port: host.ssh_port,
    })),
  };
  writePrivate(join(folder, 'cluster.json'), `${JSON.stringify(description, null, 2)}\n`);
  return description;
}

/** @throws Error when no cluster was started in this folder */
export function readClusterDescription(folder: string): ClusterDescription {
  return JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8')) as ClusterDescription;
}
