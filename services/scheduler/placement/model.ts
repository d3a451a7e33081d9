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

/** A filter's answer. Sentences and numbers, so that a person can act on it. */
export type Verdict =
  | { readonly pass: true }
  | {
      readonly pass: false;
      /** Stable word for counting: `memory_short`, `disabled`, `wrong_zone` … */
      readonly code: string;
      /**
       * What is wrong with the host: "short of 2048 MB". May hold the places `{asked}`, `{available}` and
       * `{short}` (asked minus available), filled when somebody reads it: ten thousand equal reasons are one text.
       */
      readonly message: string;
      readonly asked?: number | string;
      readonly available?: number | string;
      /** What the numbers count, for a sentence: "MB of RAM". Only with numbers. */
      readonly unit?: string;
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
  /** Place in the order of weights, from 0. */
  readonly rank: number;
  readonly weight: number;
  /** Weigher name → raw value, normalised value, multiplier. */
  readonly parts: ReadonlyArray<{
    readonly weigher: string;
    readonly raw: number;
    readonly normalised: number;
    readonly multiplier: number;
  }>;
}

/**
 * All rejections of one decision. Holds numbers; a Rejection is built when it is read, so that ten thousand
 * reasons cost a decision nothing. `JSON.stringify` gives the readable groups.
 */
export interface Rejections extends Iterable<Rejection> {
  readonly length: number;
  /** Why this host was rejected; undefined when it was not. */
  of(host: HostName): Rejection | undefined;
  /** Same reason, same text: one group, in the order in which the rules ran. */
  groups(): readonly RejectionGroup[];
  /** As they were collected, for who stores them; null for those that were read back. */
  columns(): RejectionColumns | null;
  toJSON(): readonly RejectionGroup[];
}

/** Rejections as the decision collected them: one place per rejection, in the order in which the rules ran. */
export interface RejectionColumns {
  /** Every host that was considered; a row is a place in it. Never changed. */
  readonly names: readonly HostName[];
  readonly heads: readonly RejectionHead[];
  readonly rows: Int32Array;
  /** Places in `heads`. */
  readonly groups: Uint32Array;
  /** NaN where there is no number. */
  readonly available: Float64Array;
}

/** What all rejections of one group share. */
export interface RejectionHead {
  readonly filter: string;
  readonly code: string;
  /** May hold `{asked}`, `{available}` and `{short}`. */
  readonly message: string;
  readonly unit?: string;
  readonly asked?: number | string;
  /** The same for every host of the group, when it is a text. */
  readonly available?: string;
  /** Counted by itself, where groups that differ in their texts only are one reason otherwise. */
  readonly is_apart?: true;
}

/** The readable form of rejections: one text, many hosts. */
export interface RejectionGroup extends RejectionHead {
  readonly hosts: readonly HostName[];
  /** Beside `hosts`, when it is a number. */
  readonly availables?: readonly number[];
}

/** The options that decide between the weighed hosts; kept so that a decision replays from its record alone. */
export interface ChoiceSettings {
  readonly host_subset_size: number;
  readonly shuffle_best_same_weighed_hosts: boolean;
  readonly max_attempts: number;
}

/** Everything that was found out about one request. Stored as `JSON.stringify` gives it. */
export interface Decision {
  readonly request: PlacementRequest;
  readonly seed: string;
  readonly snapshot_version: number;
  readonly choice: ChoiceSettings;
  readonly considered: number;
  /** Filter name → hosts left after it, in the order they ran. */
  readonly survivors: ReadonlyArray<{ readonly filter: string; readonly hosts: number }>;
  readonly rejections: Rejections;
  /** How many hosts passed every filter and were weighed. */
  readonly weighed: number;
  /**
   * The best hosts in the order of their weight, before the draw: at least the ten best, the choice and the
   * alternates. `rank` is the place in that order, from 0.
   */
  readonly ranked: readonly WeighedHost[];
  readonly chosen: HostName | null;
  /** The next `max_attempts - 1` after the choice. */
  readonly alternates: readonly HostName[];
  /** Named cpus, pages and devices for the choice and the alternates; empty when the request needs none. */
  readonly details: ReadonlyArray<{ readonly host: HostName; readonly details: ClaimDetails }>;
  /** How many hosts tied for the best weight. */
  readonly ties: number;
  /** Things the operator should mend, such as an aggregate's multiplier that is not a number. */
  readonly warnings: readonly string[];
  /** Null when a host was found. */
  readonly no_valid_host: NoValidHost | null;
  /** So that `JSON.stringify(decision)` gives the record. */
  readonly toJSON: (this: Decision) => DecisionRecord;
}

/** The stored form of a decision: JSON through and through, and a person can read it. */
export type DecisionRecord = Omit<Decision, 'request' | 'rejections' | 'toJSON'> & {
  readonly request: Omit<PlacementRequest, 'server_group'> & {
    readonly server_group:
      | (Omit<ServerGroupState, 'members'> & {
          readonly members: Readonly<Record<string, readonly HostName[]>>;
        })
      | null;
  };
  readonly rejections: readonly RejectionGroup[];
};

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
