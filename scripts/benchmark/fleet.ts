import { hostName, instanceId, projectId, serverGroupId } from '../../shared/domain/ids.ts';
import { resourcesOfFlavor } from '../../shared/domain/resources.ts';
import type { FlavorSpec } from '../../shared/domain/instance-spec.ts';
import type {
  HostAggregate,
  HostState,
  PlacedInstance,
  PlacementRequest,
} from '../../services/scheduler/placement/model.ts';
import { seededRandom, type Random } from '../../services/scheduler/placement/random.ts';

/** Three generations of hardware, as a fleet that grew has them. */
const models = [
  { vcpus: 32, memory_mb: 131_072, disk_gb: 1200, version: 6_002_000, cpu: 'Haswell-noTSX' },
  { vcpus: 64, memory_mb: 262_144, disk_gb: 3200, version: 7_002_000, cpu: 'Skylake-Server' },
  { vcpus: 128, memory_mb: 524_288, disk_gb: 6400, version: 8_002_001, cpu: 'EPYC-Rome' },
] as const;
const hostsPerRack = 40;
const reservedMemory = 4096;
const cpuRatio = 4;

/** Joined, not replaced or added: V8 keeps those as trees of pieces, and ids from a database are not. */
const uuid = (random: Random): string => {
  const digits = Array.from({ length: 32 }, () => random.below(16).toString(16)).join('');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
};

function rackOf(index: number): readonly HostAggregate[] {
  const rack = Math.floor(index / hostsPerRack);
  const aggregates: HostAggregate[] = [
    { id: rack + 10, name: `rack-${rack}`, metadata: { availability_zone: `az${rack % 3}` } },
  ];
  if (index % 4 === 0) aggregates.push({ id: 1, name: 'ssd', metadata: { ssd: 'true' } });
  return aggregates;
}

/** One host of a fleet that is 70 % full on average; ten servers on it. */
export function fleetHost(index: number, random: Random): HostState {
  const model = models[random.below(models.length)] ?? models[0];
  const fullness = Math.min(1, 0.4 + random.next() * 0.6);
  const name = hostName(`compute-${String(index).padStart(6, '0')}`);
  const instances = new Map<ReturnType<typeof instanceId>, PlacedInstance>();
  for (let count = 5 + random.below(11); count > 0; count -= 1) {
    const id = instanceId(uuid(random));
    const image_properties = {
      hw_architecture: 'x86_64',
      os_distro: random.below(2) === 0 ? 'debian' : 'rocky',
    };
    instances.set(id, { id, project_id: projectId(`project-${random.below(50)}`), image_properties });
  }
  const used = (total: number, step: number): number => Math.floor((total * fullness) / step) * step;
  return {
    id: index + 1,
    name,
    hypervisor_hostname: name,
    hypervisor_type: 'QEMU',
    hypervisor_version: model.version,
    address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    generation: 1,
    up: random.below(100) > 0,
    enabled: random.below(50) > 0,
    disabled_reason: null,
    inventories: {
      VCPU: {
        total: model.vcpus,
        reserved: 0,
        allocation_ratio: cpuRatio,
        max_unit: model.vcpus,
        used: used(model.vcpus * cpuRatio, 1),
      },
      MEMORY_MB: {
        total: model.memory_mb,
        reserved: reservedMemory,
        allocation_ratio: 1,
        max_unit: model.memory_mb,
        used: used(model.memory_mb - reservedMemory, 512),
      },
      DISK_GB: {
        total: model.disk_gb,
        reserved: 0,
        allocation_ratio: 1,
        max_unit: model.disk_gb,
        used: used(model.disk_gb, 10),
      },
    },
    disk_available_bytes: null,
    supported_instances: [
      ['x86_64', 'kvm', 'hvm'],
      ['i686', 'kvm', 'hvm'],
    ],
    cpu_info: { arch: 'x86_64', model: model.cpu, vendor: 'Intel', features: ['aes', 'avx', 'sse4.2'] },
    aggregates: rackOf(index),
    availability_zone: `az${Math.floor(index / hostsPerRack) % 3}`,
    metrics: {},
    numa_cells: [],
    pci_devices: [],
    failed_builds: random.below(200) === 0 ? 1 : 0,
    io_operations: random.below(5) === 0 ? random.below(4) : 0,
    instances,
  };
}

/** The fleet, one host after the other, so that a measurement of memory holds only what it keeps. */
export function* fleet(hosts: number, seed: string): Generator<HostState> {
  const random = seededRandom(seed);
  for (let index = 0; index < hosts; index += 1) yield fleetHost(index, random);
}

const flavors: ReadonlyArray<readonly [vcpus: number, memory_mb: number, root_gb: number]> = [
  [2, 4096, 20],
  [4, 8192, 40],
  [8, 32_768, 80],
  [16, 65_536, 200],
];

/** Moves of servers of such a fleet: the source left out, one in six in a zone, one in six in a group; some fit nowhere. */
export function fleetRequest(number: number, hosts: number, random: Random): PlacementRequest {
  const [vcpus, memory_mb, root_gb] = flavors[random.below(flavors.length)] ?? [1, 512, 1];
  const impossible = number % 25 === 24;
  const kind = number % 6;
  const anyHost = () => hostName(`compute-${String(random.below(hosts)).padStart(6, '0')}`);
  const flavor: FlavorSpec = {
    id: 1,
    flavor_id: '1',
    name: `m${vcpus}`,
    vcpus: impossible ? 1024 : vcpus,
    memory_mb,
    root_gb,
    ephemeral_gb: 0,
    swap_mb: 0,
    rxtx_factor: 1,
    is_public: true,
    disabled: false,
    description: null,
    extra_specs:
      kind === 1
        ? { 'capabilities:cpu_info:model': 'EPYC-Rome', 'aggregate_instance_extra_specs:ssd': 'true' }
        : {},
  };
  const instance_id = instanceId(uuid(random));
  const source = anyHost();
  return {
    instance_id,
    project_id: projectId('project-1'),
    flavor,
    resources: resourcesOfFlavor(flavor),
    image_id: null,
    image_properties: kind === 2 ? { hw_architecture: 'x86_64', img_hv_type: 'kvm' } : {},
    hints: kind === 3 ? { different_host: [uuid(random)] } : {},
    server_group:
      kind === 4
        ? {
            id: serverGroupId(uuid(random)),
            policy: 'anti-affinity',
            max_server_per_host: 1,
            members: new Map([
              [instance_id, [source]],
              ...Array.from({ length: 8 }, () => [instanceId(uuid(random)), [anyHost()]] as const),
            ]),
          }
        : null,
    availability_zone: kind === 5 ? 'az1' : null,
    requested_host: null,
    ignore_hosts: [source],
    forced_host: null,
  };
}
