import type { HostName, InstanceId, ProjectId, ServerGroupId } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { ResourceAmounts, ResourceClass } from '../../../shared/domain/resources.ts';
import type { NumaCellReport, PciDeviceReport } from '../../../shared/messaging/host-report.ts';

/**
 * What goes into the placement core; decision.ts is what comes out. Pure data.
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

/** What one server holds of a host's NUMA cells: the cpus it is pinned to, its memory and pages per cell. */
export interface NumaCellClaim {
  readonly cell: number;
  /** Host cpus that belong to this server alone; empty when its cpus float. */
  readonly pinned_cpus: readonly number[];
  /** Floating cpus, counted against the cell's cpus times the allocation ratio. */
  readonly shared_cpus: number;
  readonly memory_mb: number;
  /** Null: ordinary memory, not taken from a pool of pages. */
  readonly page_size_kib: number | null;
}

/** The named parts of a claim, beyond amounts. Stored with the claim, given back to the core in `claim_details`. */
export interface ClaimDetails {
  readonly numa_cells?: readonly NumaCellClaim[];
  /** Addresses of the PCI devices that the server gets. */
  readonly pci_addresses?: readonly string[];
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
  /** One entry per claim on this host that holds named cpus, pages or devices. */
  readonly claim_details?: readonly ClaimDetails[];
}

/** Hosts by name; what a `ReadonlyMap` of them offers and the columns can answer without building one. */
export interface HostLookup {
  readonly size: number;
  get(name: HostName): HostState | undefined;
  has(name: HostName): boolean;
}

export interface ServerGroupState {
  readonly id: ServerGroupId;
  readonly policy: 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity';
  readonly max_server_per_host: number;
  /** Members and where they are; a member that is moving is listed at both hosts. */
  readonly members: ReadonlyMap<InstanceId, readonly HostName[]>;
}

/**
 * A view of the whole cluster at one version. Never changed in place.
 * Made with `createSnapshot`, moved on with `advance` (snapshot.ts), which cost what changed and not what is there.
 * Any plain object of this form may be given to `decide` too, but then its columns are built for each decision.
 */
export interface Snapshot {
  readonly version: number;
  readonly hosts: readonly HostState[];
  readonly host_by_name: HostLookup;
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
  /** Hosts that were tried for this request already: for RetryFilter, and to say why an ignored host is. */
  readonly tried_hosts?: readonly HostName[];
}
