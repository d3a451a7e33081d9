import {
  hostName,
  instanceId,
  projectId,
  serverGroupId,
  type InstanceId,
} from '../../../../shared/domain/ids.ts';
import { resourcesOfFlavor, type ResourceClass } from '../../../../shared/domain/resources.ts';
import type { FlavorSpec } from '../../../../shared/domain/instance-spec.ts';
import type {
  HostAggregate,
  HostState,
  PlacedInstance,
  PlacementRequest,
  ResourceInventory,
  ServerGroupState,
} from '../../../../services/scheduler/placement/model.ts';
import {
  defaultPlacementSettings,
  type FilterSchedulerSettings,
  type PlacementSettings,
} from '../../../../services/scheduler/placement/settings.ts';
import { sampleFlavor } from '../../domain/sample-flavor.ts';

/** A host that passes everything: 16 CPUs, 64 GiB, 1000 GB, nothing used. Each `with` gives a changed copy. */
export class HostBuilder {
  readonly state: HostState;
  constructor(state: HostState) {
    this.state = state;
  }
  with(change: Partial<HostState>): HostBuilder {
    return new HostBuilder({ ...this.state, ...change });
  }
  down(): HostBuilder {
    return this.with({ up: false });
  }
  disabled(disabled_reason: string | null = null): HostBuilder {
    return this.with({ enabled: false, disabled_reason });
  }
  zone(availability_zone: string): HostBuilder {
    return this.with({ availability_zone });
  }
  inventory(name: ResourceClass, change: Partial<ResourceInventory>): HostBuilder {
    const before = this.state.inventories[name] ?? {
      total: 0,
      reserved: 0,
      allocation_ratio: 1,
      max_unit: 1_000_000,
      used: 0,
    };
    return this.with({ inventories: { ...this.state.inventories, [name]: { ...before, ...change } } });
  }
  memory(change: Partial<ResourceInventory>): HostBuilder {
    return this.inventory('MEMORY_MB', change);
  }
  vcpu(change: Partial<ResourceInventory>): HostBuilder {
    return this.inventory('VCPU', change);
  }
  disk(change: Partial<ResourceInventory>): HostBuilder {
    return this.inventory('DISK_GB', change);
  }
  aggregate(metadata: Record<string, string>): HostBuilder {
    const id = this.state.aggregates.length + 1;
    const aggregate: HostAggregate = { id, name: `aggregate-${id}`, metadata };
    return this.with({ aggregates: [...this.state.aggregates, aggregate] });
  }
  instance(id: string, image_properties: Record<string, string> = {}): HostBuilder {
    const placed: PlacedInstance = { id: instanceId(id), project_id: projectId('p'), image_properties };
    return this.with({ instances: new Map(this.state.instances).set(placed.id, placed) });
  }
  /** Two NUMA cells of four cpus, two threads to a core, 4096 MB and some huge pages each. */
  numa(): HostBuilder {
    return this.with({
      numa_cells: [0, 1].map((id) => ({
        id,
        cpus: [0, 1, 2, 3].map((cpu) => id * 4 + cpu),
        siblings: [
          [id * 4, id * 4 + 1],
          [id * 4 + 2, id * 4 + 3],
        ],
        memory_mb: 4096,
        pages: [
          { size_kib: 4, total: 524_288 },
          { size_kib: 2048, total: 1024 },
        ],
      })),
    });
  }
  pci(address: string, change: Partial<HostState['pci_devices'][number]> = {}): HostBuilder {
    const device = {
      address,
      vendor_id: '10de',
      product_id: '1db6',
      device_type: 'type-PCI' as const,
      numa_node: 0,
      tags: {},
      ...change,
    };
    return this.with({ pci_devices: [...this.state.pci_devices, device] });
  }
}

export function host(name: string): HostBuilder {
  return new HostBuilder({
    id: 1,
    name: hostName(name),
    hypervisor_hostname: name,
    hypervisor_type: 'QEMU',
    hypervisor_version: 8_002_001,
    address: '192.0.2.1',
    generation: 1,
    up: true,
    enabled: true,
    disabled_reason: null,
    inventories: {
      VCPU: { total: 16, reserved: 0, allocation_ratio: 1, max_unit: 16, used: 0 },
      MEMORY_MB: { total: 65_536, reserved: 0, allocation_ratio: 1, max_unit: 65_536, used: 0 },
      DISK_GB: { total: 1000, reserved: 0, allocation_ratio: 1, max_unit: 1000, used: 0 },
    },
    disk_available_bytes: null,
    supported_instances: [['x86_64', 'kvm', 'hvm']],
    cpu_info: {},
    aggregates: [],
    availability_zone: 'nova',
    metrics: {},
    numa_cells: [],
    pci_devices: [],
    failed_builds: 0,
    io_operations: 0,
    instances: new Map(),
  });
}

/** A request for 2 CPUs, 2048 MB and 20 GB by server `me` of project `p`. */
export class RequestBuilder {
  readonly request: PlacementRequest;
  constructor(request: PlacementRequest) {
    this.request = request;
  }
  with(change: Partial<PlacementRequest>): RequestBuilder {
    return new RequestBuilder({ ...this.request, ...change });
  }
  flavor(change: Partial<FlavorSpec>): RequestBuilder {
    const flavor = { ...this.request.flavor, ...change };
    return this.with({ flavor, resources: resourcesOfFlavor(flavor) });
  }
  spec(key: string, value: string): RequestBuilder {
    return this.flavor({ extra_specs: { ...this.request.flavor.extra_specs, [key]: value } });
  }
  image(image_properties: Record<string, string>): RequestBuilder {
    return this.with({ image_properties });
  }
  hint(name: string, value: unknown): RequestBuilder {
    return this.with({ hints: { ...this.request.hints, [name]: value } });
  }
  /** Members as `server: hosts`. */
  group(
    policy: ServerGroupState['policy'],
    members: Record<string, readonly string[]>,
    max_server_per_host = 1,
  ): RequestBuilder {
    const entries = Object.entries(members).map(
      ([id, hosts]) => [instanceId(id), hosts.map(hostName)] as const,
    );
    return this.with({
      server_group: {
        id: serverGroupId('g'),
        policy,
        max_server_per_host,
        members: new Map<InstanceId, ReturnType<typeof hostName>[]>(entries),
      },
    });
  }
}

export function request(): RequestBuilder {
  return new RequestBuilder({
    instance_id: instanceId('me'),
    project_id: projectId('p'),
    flavor: sampleFlavor({ flavor_id: '1', name: 'm1.small', vcpus: 2, memory_mb: 2048, root_gb: 20 }),
    resources: { VCPU: 2, MEMORY_MB: 2048, DISK_GB: 20 },
    image_id: null,
    image_properties: {},
    hints: {},
    server_group: null,
    availability_zone: null,
    requested_host: null,
    ignore_hosts: [],
    forced_host: null,
  });
}

/** Nova's defaults with these `[filter_scheduler]` options changed. */
export function settings(
  change: Partial<FilterSchedulerSettings> = {},
  others: Partial<PlacementSettings> = {},
): PlacementSettings {
  return {
    ...defaultPlacementSettings,
    ...others,
    filter_scheduler: { ...defaultPlacementSettings.filter_scheduler, ...change },
  };
}
