import type { HostName, InstanceId, ProjectId, ServerGroupId } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { ResourceAmounts, ResourceClass } from '../../../shared/domain/resources.ts';
import type { NumaCellReport, PciDeviceReport } from '../../../shared/messaging/host-report.ts';

/**
 * The contract of the placement core: what goes in, what comes out. Pure data.
 *
 *   decide(snapshot, request, settings, seed) → Decision
 */

export interface ResourceInventory {
  readonly total: number;
  readonly reserved: number;
  readonly allocation_ratio: number;
  /** One server may not ask for more than this. */
  readonly max_unit: number;
  readonly used: number;
}

export interface HostAggregate {
  readonly id: number;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An instance as placement sees it: on its host, as a member of its group. */
export interface PlacedInstance {
  readonly id: InstanceId;
  readonly project_id: ProjectId;
  readonly image_properties: Readonly<Record<string, string>>;
}

/** One compute host in a snapshot. */
export interface HostState {
  readonly id: number;
  readonly name: HostName;
  readonly hypervisor_hostname: string;
  readonly hypervisor_type: string;
  readonly hypervisor_version: number;
  readonly address: string;
  readonly generation: number;
  /** Heartbeat is young enough and nobody forced it down. Computed by the shell: the core has no clock. */
  readonly up: boolean;
  readonly enabled: boolean;
  readonly disabled_reason: string | null;
  readonly inventories: Readonly<Partial<Record<ResourceClass, ResourceInventory>>>;
  readonly disk_available_bytes: number | null;
  readonly supported_instances: ReadonlyArray<readonly [string, string, string]>;
  readonly cpu_info: Readonly<Record<string, unknown>>;
  readonly aggregates: readonly HostAggregate[];
  /** Nova's default when no aggregate names one. */
  readonly availability_zone: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly numa_cells: readonly NumaCellReport[];
  readonly pci_devices: readonly PciDeviceReport[];
  readonly failed_builds: number;
  /** Builds, moves and other disk-heavy work under way here (Nova's num_io_ops). */
  readonly io_operations: number;
  readonly instances: ReadonlyMap<InstanceId, PlacedInstance>;
}

export interface ServerGroupState {
  readonly id: ServerGroupId;
  readonly policy: 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity';
  readonly max_server_per_host: number;
  /** Members and where they are; a member that is moving is listed at both hosts. */
  readonly members: ReadonlyMap<InstanceId, readonly HostName[]>;
}

/** A view of the whole cluster at one version. Never changed in place while a decision reads it. */
export interface Snapshot {
  readonly version: number;
  readonly hosts: readonly HostState[];
  readonly host_by_name: ReadonlyMap<HostName, HostState>;
}

export interface PlacementRequest {
  readonly instance_id: InstanceId;
  readonly project_id: ProjectId;
  readonly flavor: FlavorSpec;
  readonly resources: ResourceAmounts;
  readonly image_id: string | null;
  readonly image_properties: Readonly<Record<string, string>>;
  /** Scheduler hints of the boot; they act again on every move. */
  readonly hints: Readonly<Record<string, unknown>>;
  readonly server_group: ServerGroupState | null;
  readonly availability_zone: string | null;
  /** `migrate --host`: filters still run on it. */
  readonly requested_host: HostName | null;
  /** Never chosen: the source of a move, hosts that refused already. */
  readonly ignore_hosts: readonly HostName[];
  /** Boot with `az:host`: only this one, filters skipped (Nova's force_hosts). */
  readonly forced_host: HostName | null;
}

/** A filter's answer. Sentences and numbers, so that a person can act on it. */
export type Verdict =
  | { readonly pass: true }
  | {
      readonly pass: false;
      /** Stable word for counting: `memory_short`, `disabled`, `wrong_zone` … */
      readonly code: string;
      /** "short of 2048 MB" */
      readonly message: string;
      readonly asked?: number | string;
      readonly available?: number | string;
    };

export interface Rejection {
  readonly host: HostName;
  readonly filter: string;
  readonly code: string;
  readonly message: string;
  readonly asked?: number | string;
  readonly available?: number | string;
}

export interface WeighedHost {
  readonly host: HostName;
  readonly weight: number;
  /** Weigher name → raw value, normalised value, multiplier. */
  readonly parts: ReadonlyArray<{
    readonly weigher: string;
    readonly raw: number;
    readonly normalised: number;
    readonly multiplier: number;
  }>;
}

/** Everything that was found out about one request. Stored as it is; replays to the same answer. */
export interface Decision {
  readonly request: PlacementRequest;
  readonly seed: string;
  readonly snapshot_version: number;
  readonly considered: number;
  /** Filter name → hosts left after it, in the order they ran. */
  readonly survivors: ReadonlyArray<{ readonly filter: string; readonly hosts: number }>;
  readonly rejections: readonly Rejection[];
  /** Best first; the first is the choice, the next `max_attempts - 1` the alternates. Parts kept for the best ten. */
  readonly ranked: readonly WeighedHost[];
  readonly chosen: HostName | null;
  readonly alternates: readonly HostName[];
  /** How many hosts tied for the best weight. */
  readonly ties: number;
  /** Null when a host was found. */
  readonly no_valid_host: NoValidHost | null;
}

export interface NoValidHost {
  /** "No valid host was found. 12 of 14 hosts: RamFilter (short of 2048 MB at best) 9, …" */
  readonly message: string;
  /** Largest first. */
  readonly counts: ReadonlyArray<{
    readonly filter: string;
    readonly code: string;
    readonly hosts: number;
    readonly example: string;
  }>;
  /** "host c17 lacks 2,048 MB of RAM" */
  readonly nearest_miss: string | null;
}
