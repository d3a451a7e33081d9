import { newSecret } from './state.ts';

/** What a cluster is born with. The file's format is that of the conformance pack's world.json. */
export interface World {
  readonly region: string;
  readonly roles: readonly string[];
  readonly projects: ReadonlyArray<{ readonly name: string; readonly description: string }>;
  readonly users: readonly WorldUser[];
  readonly flavors: readonly WorldFlavor[];
  readonly images: readonly WorldImage[];
  readonly hosts: readonly WorldHost[];
  /** Options of [DEFAULT]. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Options of [quota]. */
  readonly quota: Readonly<Record<string, number>>;
}

export interface WorldUser {
  readonly name: string;
  readonly password: string;
  readonly roles: ReadonlyArray<{ readonly project: string; readonly role: string }>;
}

export interface WorldFlavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly root_gb: number;
  readonly swap_mb: number;
  readonly ephemeral_gb: number;
  readonly is_public: boolean;
  readonly extra_specs: Readonly<Record<string, string>>;
}

export interface WorldImage {
  readonly id: string | null;
  readonly name: string;
  readonly disk_format: 'raw' | 'qcow2';
  readonly container_format: string;
  readonly visibility: string;
  readonly owner_project: string;
  readonly min_ram_mb: number;
  readonly min_disk_gb: number;
  readonly content: ImageContent;
}

/** `zeros`: as many zero bytes; `sample`: a made-up disk with data, zeros and holes (sample-disk.ts). */
export type ImageContent =
  | { readonly kind: 'zeros'; readonly size_bytes: number }
  | { readonly kind: 'sample'; readonly data_mib: number; readonly virtual_mib: number };

export interface WorldHost {
  readonly name: string;
  readonly zone: string;
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly local_gb: number;
  readonly reserved_memory_mb: number;
}

const flavor = (
  id: string,
  name: string,
  size: Pick<WorldFlavor, 'vcpus' | 'memory_mb' | 'root_gb'>,
): WorldFlavor => ({
  id,
  name,
  ...size,
  swap_mb: 0,
  ephemeral_gb: 0,
  is_public: true,
  extra_specs: {},
});

const TINY = { data_mib: 4, virtual_mib: 16 };

/** A public image with a made-up disk. */
export const sampleImage = (
  name: string,
  disk_format: WorldImage['disk_format'],
  size: { readonly data_mib: number; readonly virtual_mib: number },
): WorldImage => ({
  id: null,
  name,
  disk_format,
  container_format: 'bare',
  visibility: 'public',
  owner_project: 'admin',
  min_ram_mb: 0,
  min_disk_gb: 0,
  content: { kind: 'sample', ...size },
});

const host = (number: number): WorldHost => ({
  name: `compute${number}`,
  zone: 'nova',
  vcpus: 32,
  memory_mb: 65_536,
  local_gb: 500,
  reserved_memory_mb: 512,
});

/** The world without a file: an administrator, a plain user of another project, the usual flavors, a small guest image. */
export function defaultWorld(host_count: number): World {
  return {
    region: 'RegionOne',
    roles: ['admin', 'member', 'reader'],
    projects: [
      { name: 'admin', description: 'Bootstrap project for initializing the cloud.' },
      { name: 'demo', description: '' },
    ],
    users: [
      { name: 'admin', password: newSecret(), roles: [{ project: 'admin', role: 'admin' }] },
      { name: 'demo', password: newSecret(), roles: [{ project: 'demo', role: 'member' }] },
    ],
    flavors: [
      flavor('1', 'm1.tiny', { vcpus: 1, memory_mb: 512, root_gb: 1 }),
      flavor('2', 'm1.small', { vcpus: 1, memory_mb: 2048, root_gb: 20 }),
      flavor('3', 'm1.medium', { vcpus: 2, memory_mb: 4096, root_gb: 40 }),
      flavor('4', 'm1.large', { vcpus: 4, memory_mb: 8192, root_gb: 80 }),
      flavor('42', 'm1.nano', { vcpus: 1, memory_mb: 64, root_gb: 1 }),
    ],
    images: [sampleImage('tiny', 'qcow2', TINY), sampleImage('tiny-raw', 'raw', TINY)],
    hosts: Array.from({ length: host_count }, (_, index) => host(index + 1)),
    settings: {},
    quota: {},
  };
}

/** As many hosts as asked for: the world's first ones, then more like its last one. */
export function withHosts(world: World, count: number): World {
  const kept = world.hosts.slice(0, count);
  const like = world.hosts.at(-1) ?? host(1);
  const added = Array.from({ length: count - kept.length }, (_, index) => ({
    ...like,
    name: `compute${kept.length + index + 1}`,
  }));
  return { ...world, hosts: [...kept, ...added] };
}
