import type { HostName } from '../../../shared/domain/ids.ts';
import type { ResourceClass } from '../../../shared/domain/resources.ts';
import { HostClasses } from './host-class.ts';
import type { HostState, ResourceInventory } from './model.ts';

/** Values of the column `service_state`. */
export const ServiceState = { down: 0, disabled: 1, ready: 2 } as const;

/** The inventory of one resource class, one number per host. A host without the class has total 0. */
export interface ResourceColumns {
  readonly total: Float64Array;
  readonly reserved: Float64Array;
  readonly allocation_ratio: Float64Array;
  readonly max_unit: Float64Array;
  readonly used: Float64Array;
  /** What placement would still give: `(total − reserved) × allocation_ratio − used`. */
  readonly free: Float64Array;
  /** The largest amount that one more server could get: `free`, but not above `max_unit`. */
  readonly room: Float64Array;
}

/** Arrays with one place per host, whose contents mean nothing between decisions. */
export interface Scratch {
  readonly rows: Int32Array;
  /** What one screen has kept out, until each is asked why. */
  readonly failed_rows: Int32Array;
  readonly weights: Float64Array;
  /** The numbers that one weigher reads of the hosts that passed. */
  readonly weighed_numbers: Float64Array;
  readonly rejected_rows: Int32Array;
  readonly rejected_groups: Uint32Array;
  readonly rejected_available: Float64Array;
}

function emptyScratch(capacity: number): Scratch {
  return {
    rows: new Int32Array(capacity),
    failed_rows: new Int32Array(capacity),
    weights: new Float64Array(capacity),
    weighed_numbers: new Float64Array(capacity),
    rejected_rows: new Int32Array(capacity),
    rejected_groups: new Uint32Array(capacity),
    rejected_available: new Float64Array(capacity),
  };
}

const MEBIBYTES_PER_GIBIBYTE = 1024;
const BYTES_PER_MEBIBYTE = 1024 * 1024;
const mostPciDevices = 100;

const numberColumns = [
  'service_state',
  'free_memory_mb',
  'free_vcpus',
  'free_disk_mb',
  'failed_builds',
  'io_operations',
  'instances',
  'hypervisor_version',
  'pci_scarcity',
] as const;
export type NumberColumn = (typeof numberColumns)[number];

/** The definition of each number that rules and weighers read of a host. */
const numberOf: Readonly<Record<NumberColumn, (host: HostState) => number>> = {
  service_state: (host) => {
    if (!host.enabled) return ServiceState.disabled;
    return host.up ? ServiceState.ready : ServiceState.down;
  },
  free_memory_mb: (host) => freeUnits(host.inventories.MEMORY_MB),
  // Nova's CPUWeigher: vcpus_total × cpu_allocation_ratio − vcpus_used, where the reserved ones count as used.
  free_vcpus: ({ inventories: { VCPU } }) =>
    VCPU === undefined ? 0 : VCPU.total * VCPU.allocation_ratio - VCPU.reserved - VCPU.used,
  free_disk_mb: freeDiskMebibytes,
  failed_builds: (host) => host.failed_builds,
  io_operations: (host) => host.io_operations,
  instances: (host) => host.instances.size,
  hypervisor_version: (host) => host.hypervisor_version,
  // Nova's PCIWeigher prefers few free devices, so the column holds how far they are below a hundred.
  pci_scarcity: (host) => {
    let taken = 0;
    for (const details of host.claim_details ?? []) taken += details.pci_addresses?.length ?? 0;
    const free = Math.max(0, host.pci_devices.length - taken);
    return mostPciDevices - Math.min(free, mostPciDevices - 1);
  },
};

function freeUnits(inventory: ResourceInventory | undefined): number {
  return inventory === undefined ? 0 : inventory.total - inventory.reserved - inventory.used;
}

/** Free disk as Nova's weigher sees it: what is not claimed, but never more than the file system has. MiB. */
export function freeDiskMebibytes(host: HostState): number {
  const tracked = freeUnits(host.inventories.DISK_GB) * MEBIBYTES_PER_GIBIBYTE;
  if (host.disk_available_bytes === null) return tracked;
  // Nova's disk_available_least is in whole GiB.
  const available_gb = Math.floor(host.disk_available_bytes / BYTES_PER_MEBIBYTE / MEBIBYTES_PER_GIBIBYTE);
  return Math.min(tracked, available_gb * MEBIBYTES_PER_GIBIBYTE);
}

/**
 * The cluster by column: what most rules read, packed so that ten thousand hosts are a walk over a few arrays
 * and not over ten thousand objects. Row n is host n of the snapshot that owns it. Changed in place by `set`
 * between decisions (snapshot.ts says when); a decision copies what it keeps.
 */
export class Columns {
  #capacity: number;
  #length = 0;
  #numbers: Record<NumberColumn, Float64Array>;
  #host_class: Uint32Array;
  #disabled_reason: Uint32Array;
  readonly #resources = new Map<ResourceClass, ResourceColumns>();
  readonly #row_by_name: Map<string, number>;
  readonly #row_by_lower_name: Map<string, number>;
  /** Replaced and never changed: decisions keep it to name their hosts. */
  #names: readonly HostName[];
  readonly classes: HostClasses;
  #scratch: Scratch | null = null;

  constructor(hosts: readonly HostState[], classes: HostClasses = new HostClasses()) {
    this.classes = classes;
    this.#capacity = Math.max(1, hosts.length);
    this.#numbers = emptyNumbers(this.#capacity);
    this.#host_class = new Uint32Array(this.#capacity);
    this.#disabled_reason = new Uint32Array(this.#capacity);
    this.#row_by_name = new Map();
    this.#row_by_lower_name = new Map();
    this.#names = [];
    this.append(hosts);
  }

  get length(): number {
    return this.#length;
  }
  get names(): readonly HostName[] {
    return this.#names;
  }
  get host_class(): Uint32Array {
    return this.#host_class;
  }
  /** Place of each host's reason in the classes' `disabled_reasons`. */
  get disabled_reason(): Uint32Array {
    return this.#disabled_reason;
  }

  /**
   * Room to work in for one decision, to be given back with `returnScratch`. A new set of arrays per decision would make
   * the garbage collector the slowest part of it.
   */
  takeScratch(): Scratch {
    const scratch = this.#scratch;
    this.#scratch = null;
    return scratch !== null && scratch.rows.length >= this.#length ? scratch : emptyScratch(this.#capacity);
  }

  returnScratch(scratch: Scratch): void {
    this.#scratch = scratch;
  }

  number(column: NumberColumn): Float64Array {
    return this.#numbers[column];
  }

  /** Undefined when no host has this class of resource. */
  resource(name: ResourceClass): ResourceColumns | undefined {
    return this.#resources.get(name);
  }

  rowOf(name: string): number | undefined {
    return this.#row_by_name.get(name);
  }

  /** Nova compares the names of hosts to be left out without regard to case. */
  rowOfAnyCase(name: string): number | undefined {
    const lower = name.toLowerCase();
    return this.#row_by_name.get(name) ?? this.#row_by_lower_name.get(lower) ?? this.#row_by_name.get(lower);
  }

  /** Adds hosts as the last rows. */
  append(hosts: readonly HostState[]): void {
    if (hosts.length === 0) return;
    const first = this.#length;
    this.#reserve(first + hosts.length);
    this.#length = first + hosts.length;
    this.#names = [...this.#names, ...hosts.map((host) => host.name)];
    for (const [index, host] of hosts.entries()) {
      this.#row_by_name.set(host.name, first + index);
      const lower = host.name.toLowerCase();
      if (lower !== host.name) this.#row_by_lower_name.set(lower, first + index);
      this.set(first + index, host);
    }
  }

  /** Writes one host's numbers over its row. */
  set(row: number, host: HostState): void {
    for (const column of numberColumns) this.#numbers[column][row] = numberOf[column](host);
    this.#host_class[row] = this.classes.numberOf(host);
    this.#disabled_reason[row] = this.classes.numberOfDisabledReason(host);
    for (const name of Object.keys(host.inventories) as ResourceClass[]) this.#openResource(name);
    for (const [name, columns] of this.#resources) {
      const inventory = host.inventories[name];
      columns.total[row] = inventory?.total ?? 0;
      columns.reserved[row] = inventory?.reserved ?? 0;
      columns.allocation_ratio[row] = inventory?.allocation_ratio ?? 1;
      columns.max_unit[row] = inventory?.max_unit ?? 0;
      columns.used[row] = inventory?.used ?? 0;
      const free =
        inventory === undefined
          ? 0
          : (inventory.total - inventory.reserved) * inventory.allocation_ratio - inventory.used;
      columns.free[row] = free;
      columns.room[row] = Math.min(free, inventory?.max_unit ?? 0);
    }
  }

  #openResource(name: ResourceClass): void {
    if (!this.#resources.has(name)) this.#resources.set(name, emptyResource(this.#capacity));
  }

  #reserve(rows: number): void {
    if (rows <= this.#capacity) return;
    this.#capacity = Math.max(rows, Math.ceil(this.#capacity * 1.5));
    const numbers = emptyNumbers(this.#capacity);
    for (const column of numberColumns) numbers[column].set(this.#numbers[column]);
    this.#numbers = numbers;
    const host_class = new Uint32Array(this.#capacity);
    host_class.set(this.#host_class);
    this.#host_class = host_class;
    const disabled_reason = new Uint32Array(this.#capacity);
    disabled_reason.set(this.#disabled_reason);
    this.#disabled_reason = disabled_reason;
    for (const [name, columns] of this.#resources) {
      const wider = emptyResource(this.#capacity);
      for (const part of Object.keys(columns) as Array<keyof ResourceColumns>) wider[part].set(columns[part]);
      this.#resources.set(name, wider);
    }
  }
}

function emptyNumbers(capacity: number): Record<NumberColumn, Float64Array> {
  return {
    service_state: new Float64Array(capacity),
    free_memory_mb: new Float64Array(capacity),
    free_vcpus: new Float64Array(capacity),
    free_disk_mb: new Float64Array(capacity),
    failed_builds: new Float64Array(capacity),
    io_operations: new Float64Array(capacity),
    instances: new Float64Array(capacity),
    hypervisor_version: new Float64Array(capacity),
    pci_scarcity: new Float64Array(capacity),
  };
}

function emptyResource(capacity: number): ResourceColumns {
  return {
    total: new Float64Array(capacity),
    reserved: new Float64Array(capacity),
    allocation_ratio: new Float64Array(capacity).fill(1),
    max_unit: new Float64Array(capacity),
    used: new Float64Array(capacity),
    free: new Float64Array(capacity),
    room: new Float64Array(capacity),
  };
}
