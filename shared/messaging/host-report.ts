import type { HostName } from '../domain/ids.ts';

/** What an agent says about its host. Sizes in the unit of the name. Optional parts are absent where unknown. */
export interface HostReport {
  readonly host: HostName;
  readonly hypervisor_hostname: string;
  readonly hypervisor_type: string;
  /** Nova's integer form: 8.2.1 → 8002001. */
  readonly hypervisor_version: number;
  /** `my_ip`: the address that other hosts reach this one's sshd at. */
  readonly address: string;
  readonly agent_version: string;
  /** Random per agent start; a new one means that the agent was restarted. */
  readonly boot_id: string;
  /** Rises with each report of one boot; an older one is dropped. */
  readonly sequence: number;
  readonly inventory: {
    readonly vcpus: number;
    readonly memory_mb: number;
    readonly local_gb: number;
    readonly disk_available_bytes: number;
  };
  readonly reserved: { readonly vcpus: number; readonly memory_mb: number; readonly disk_gb: number };
  /** Null: the operator has not set one, the initial ratios apply when the host is first registered. */
  readonly allocation_ratios: {
    readonly vcpu: number | null;
    readonly memory_mb: number | null;
    readonly disk_gb: number | null;
  };
  /** [architecture, hypervisor type, vm mode] triples, as Nova's `supported_instances`. */
  readonly supported_instances: ReadonlyArray<readonly [string, string, string]>;
  readonly cpu_info: Readonly<Record<string, unknown>>;
  readonly uptime: string;
  readonly metrics?: ReadonlyArray<{
    readonly name: string;
    readonly value: number;
    readonly timestamp: string;
  }>;
  readonly numa_cells?: ReadonlyArray<NumaCellReport>;
  readonly pci_devices?: ReadonlyArray<PciDeviceReport>;
  /** Amounts of custom resource classes (`CUSTOM_*`). */
  readonly custom_resources?: Readonly<Record<string, number>>;
  /** Guests found on this host: what the scheduler reconciles against. */
  readonly guests: ReadonlyArray<{
    readonly instance_id: string;
    readonly epoch: number;
    readonly power_state: number;
  }>;
}

export interface NumaCellReport {
  readonly id: number;
  readonly cpus: readonly number[];
  /** Thread siblings, as sets of cpu numbers. */
  readonly siblings: ReadonlyArray<readonly number[]>;
  readonly memory_mb: number;
  readonly pages: ReadonlyArray<{ readonly size_kib: number; readonly total: number }>;
}

export interface PciDeviceReport {
  readonly address: string;
  readonly vendor_id: string;
  readonly product_id: string;
  readonly device_type: 'type-PCI' | 'type-PF' | 'type-VF';
  readonly numa_node: number | null;
  readonly tags: Readonly<Record<string, string>>;
}
