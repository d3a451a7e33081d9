import { readFileSync } from 'node:fs';
import { JsonReader, type Scalar } from './json-reader.ts';
import type { World, WorldImage } from './world.ts';

/** Names in world.json → options. What is not named here is a fact about the recording, not a setting. */
const settingNames: Readonly<Record<string, string>> = {
  allow_resize_to_same_host: 'allow_resize_to_same_host',
  resize_confirm_window: 'resize_confirm_window',
  service_down_time: 'service_down_time',
  cpu_allocation_ratio: 'initial_cpu_allocation_ratio',
  ram_allocation_ratio: 'initial_ram_allocation_ratio',
  disk_allocation_ratio: 'initial_disk_allocation_ratio',
};
const quotaNames: Readonly<Record<string, string>> = {
  injected_file_path_bytes: 'injected_file_path_length',
};

/**
 * Reads a world file.
 * @throws Error naming the file and the first part of it that is missing or of the wrong kind
 */
export function readWorld(file: string): World {
  const root = new JsonReader(JSON.parse(readFileSync(file, 'utf8')), file);
  const config = root.optional('config');
  return {
    region: root.text('region', 'RegionOne'),
    roles: root.list('roles').map((role) => role.asText()),
    projects: root
      .list('projects')
      .map((project) => ({ name: project.text('name'), description: project.text('description', '') })),
    users: root.list('users').map((user) => ({
      name: user.text('name'),
      password: user.text('password'),
      roles: user.list('roles').map((role) => ({ project: role.text('project'), role: role.text('role') })),
    })),
    flavors: root.list('flavors').map((one) => ({
      id: one.text('id'),
      name: one.text('name'),
      vcpus: one.number('vcpus'),
      memory_mb: one.number('ram'),
      root_gb: one.number('disk'),
      swap_mb: one.number('swap', 0),
      ephemeral_gb: one.number('ephemeral', 0),
      is_public: one.flag('is_public', true),
      extra_specs: one.texts('extra_specs'),
    })),
    images: root.list('images').map((one) => readImage(one)),
    hosts: root.list('hosts').map((one) => ({
      name: one.text('name'),
      zone: one.text('zone', 'nova'),
      vcpus: one.number('vcpus'),
      memory_mb: one.number('memory_mb'),
      local_gb: one.number('local_gb'),
      reserved_memory_mb: one.number('reserved_memory_mb', 512),
    })),
    settings: renamed(config?.scalars() ?? {}, settingNames, false),
    quota: renamed(config?.optional('quota')?.scalars() ?? {}, quotaNames, true) as Record<string, number>,
  };
}

function readImage(one: JsonReader): WorldImage {
  const size_bytes = one.number('size', 0);
  const zeros = one.text('content', '').endsWith('zero bytes');
  const disk_format = one.text('disk_format');
  if (disk_format !== 'raw' && disk_format !== 'qcow2')
    throw new Error(`${one.place}.disk_format: raw or qcow2 expected, not "${disk_format}"`);
  return {
    id: one.text('id', '') || null,
    name: one.text('name'),
    disk_format,
    container_format: one.text('container_format', 'bare'),
    visibility: one.text('visibility', 'public'),
    owner_project: one.text('owner_project', 'admin'),
    min_ram_mb: one.number('min_ram', 0),
    min_disk_gb: one.number('min_disk', 0),
    content: zeros ? { kind: 'zeros', size_bytes } : { kind: 'sample', data_mib: 4, virtual_mib: 16 },
  };
}

function renamed(
  values: Readonly<Record<string, Scalar>>,
  names: Readonly<Record<string, string>>,
  keep_others: boolean,
): Record<string, Scalar> {
  const entries = Object.entries(values).flatMap(([name, value]): Array<[string, Scalar]> => {
    const option = names[name] ?? (keep_others ? name : null);
    return option === null ? [] : [[option, value]];
  });
  return Object.fromEntries(entries);
}
