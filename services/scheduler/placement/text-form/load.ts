import { hostName, instanceId, projectId, type InstanceId } from '../../../../shared/domain/ids.ts';
import type { ResourceClass } from '../../../../shared/domain/resources.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { HostAggregate, HostState, PlacedInstance, ResourceInventory, Snapshot } from '../model.ts';
import { createSnapshot } from '../snapshot.ts';
import { formatVersion } from './format.ts';
import { parseWords } from './words.ts';

type Facts = Partial<
  Pick<
    HostState,
    'supported_instances' | 'cpu_info' | 'metrics' | 'numa_cells' | 'pci_devices' | 'claim_details'
  >
>;

interface Loaded {
  version: number;
  readonly aggregates: Map<string, HostAggregate>;
  readonly hosts: Map<string, { words: readonly string[]; keys: ReadonlyMap<string, string> }>;
  readonly inventories: Map<string, Partial<Record<ResourceClass, ResourceInventory>>>;
  readonly instances: Map<string, Map<InstanceId, PlacedInstance>>;
  readonly facts: Map<string, Facts>;
}

/**
 * @param text what `dumpCluster` wrote, or a person
 * @throws DroverError `cluster_text_invalid` with the number of the line and what was expected
 */
export function loadCluster(text: string): Snapshot {
  const loaded: Loaded = {
    version: 1,
    aggregates: new Map(),
    hosts: new Map(),
    inventories: new Map(),
    instances: new Map(),
    facts: new Map(),
  };
  for (const [index, raw] of text.split('\n').entries()) {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    try {
      readLine(trimmed, loaded);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new DroverError('cluster_text_invalid', { line: index + 1, problem }, { cause: error });
    }
  }
  const hosts = [...loaded.hosts.entries()].map(([name, host], index) =>
    hostOf(name, index + 1, host, loaded),
  );
  return createSnapshot(hosts, loaded.version);
}

function readLine(text: string, loaded: Loaded): void {
  const facts = /^facts\s+(\S+)\s+(\{.*\})$/.exec(text);
  if (facts !== null) {
    loaded.facts.set(facts[1] ?? '', JSON.parse(facts[2] ?? '{}') as Facts);
    return;
  }
  const [kind = '', name = '', ...words] = parseWords(text);
  const keys = keysOf(words);
  switch (kind) {
    case 'drover-cluster':
      if (name !== formatVersion) throw new Error(`format ${name} is not known, only ${formatVersion}`);
      loaded.version = numberAt(keys, 'version', 1);
      return;
    case 'aggregate':
      loaded.aggregates.set(name, {
        id: Number(name),
        name: words[0] ?? name,
        metadata: Object.fromEntries(keysOf(words.slice(1))),
      });
      return;
    case 'host':
      loaded.hosts.set(name, { words, keys });
      return;
    case 'inventory': {
      const inventories = loaded.inventories.get(name) ?? {};
      const total = numberAt(keys, 'total');
      inventories[(words[0] ?? '') as ResourceClass] = {
        total,
        reserved: numberAt(keys, 'reserved', 0),
        allocation_ratio: numberAt(keys, 'ratio', 1),
        max_unit: numberAt(keys, 'max', total),
        used: numberAt(keys, 'used', 0),
      };
      loaded.inventories.set(name, inventories);
      return;
    }
    case 'instance': {
      const instances = loaded.instances.get(name) ?? new Map<InstanceId, PlacedInstance>();
      const id = instanceId(words[0] ?? '');
      const image_properties = Object.fromEntries(
        [...keys].flatMap(([key, value]) =>
          key.startsWith('image.') ? [[key.slice('image.'.length), value]] : [],
        ),
      );
      instances.set(id, { id, project_id: projectId(keys.get('project') ?? ''), image_properties });
      loaded.instances.set(name, instances);
      return;
    }
    default:
      throw new Error(`"${kind}" is not one of drover-cluster, aggregate, host, inventory, instance, facts`);
  }
}

function hostOf(
  name: string,
  number: number,
  { words, keys }: { readonly words: readonly string[]; readonly keys: ReadonlyMap<string, string> },
  loaded: Loaded,
): HostState {
  const [hypervisor_type = 'QEMU', version = '0'] = (keys.get('hypervisor') ?? 'QEMU/8002001').split('/');
  const facts = loaded.facts.get(name) ?? {};
  const aggregates = (keys.get('aggregates') ?? '').split(',').filter((id) => id !== '');
  return {
    id: numberAt(keys, 'id', number),
    name: hostName(name),
    hypervisor_hostname: keys.get('node') ?? name,
    hypervisor_type,
    hypervisor_version: Number(version),
    address: keys.get('address') ?? '',
    generation: numberAt(keys, 'generation', 0),
    up: !words.includes('down'),
    enabled: !words.includes('disabled'),
    disabled_reason: keys.get('reason') ?? null,
    inventories: loaded.inventories.get(name) ?? {},
    disk_available_bytes: keys.has('disk_available_bytes') ? numberAt(keys, 'disk_available_bytes') : null,
    supported_instances: facts.supported_instances ?? [['x86_64', 'kvm', 'hvm']],
    cpu_info: facts.cpu_info ?? {},
    aggregates: aggregates.map(
      (id) => loaded.aggregates.get(id) ?? { id: Number(id), name: id, metadata: {} },
    ),
    availability_zone: keys.get('zone') ?? 'nova',
    metrics: facts.metrics ?? {},
    numa_cells: facts.numa_cells ?? [],
    pci_devices: facts.pci_devices ?? [],
    failed_builds: numberAt(keys, 'failed_builds', 0),
    io_operations: numberAt(keys, 'io_operations', 0),
    instances: loaded.instances.get(name) ?? new Map(),
    ...(facts.claim_details === undefined ? {} : { claim_details: facts.claim_details }),
  };
}

function keysOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.flatMap((word): Array<[string, string]> => {
      const at = word.indexOf('=');
      return at > 0 ? [[word.slice(0, at), word.slice(at + 1)]] : [];
    }),
  );
}

function numberAt(keys: ReadonlyMap<string, string>, key: string, otherwise?: number): number {
  const text = keys.get(key);
  if (text === undefined && otherwise !== undefined) return otherwise;
  const number = Number(text);
  if (text === undefined || text === '' || Number.isNaN(number)) {
    throw new Error(`${key} must be a number, not ${text ?? 'left out'}`);
  }
  return number;
}
