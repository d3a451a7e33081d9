import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type { PowerState } from '../../../shared/domain/states.ts';
import type { DiskDescription } from '../../../shared/messaging/commands.ts';
import type { HostReport } from '../../../shared/messaging/host-report.ts';
import type { ChangedRanges } from '../mover/mover.ts';

/**
 * What a hypervisor driver owes. Small on purpose: folders, disks, epochs and marks are the agent's business,
 * the driver only knows guests. The fake driver (fake/) is the executable documentation of this interface;
 * test/functional/hypervisor-contract.ts runs the same suite on every driver.
 *
 * Every method is idempotent: it first looks, and doing a thing that is done already succeeds.
 */
export interface Hypervisor {
  /** What the host has; the reserved amounts and ratios come from the configuration. */
  inventory(): Promise<HypervisorInventory>;
  /** Guests defined here, whoever defined them. */
  list(): Promise<readonly GuestFact[]>;
  /** Null when no such guest is defined. */
  describe(id: InstanceId): Promise<GuestFact | null>;
  /** Registers a guest whose disks lie in `folder`. Never starts it. Autostart stays off (one home rule). */
  define(guest: GuestDefinition): Promise<void>;
  start(id: InstanceId): Promise<void>;
  /** Asks the guest to stop, waits, then forces. @returns whether force was needed. */
  stop(id: InstanceId, timeout_seconds: number): Promise<{ readonly forced: boolean }>;
  /** Hard reset without a new definition. */
  reset(id: InstanceId): Promise<void>;
  /** Forgets the guest; never touches its disks. Stops it first if it runs. */
  undefine(id: InstanceId): Promise<void>;
  /** Local disks of a guest in a fixed order. */
  disks(id: InstanceId): Promise<readonly DiskDescription[]>;
  /**
   * Does a work while the guest writes nothing to its disks, then lets it go on, also when the work fails. It must not
   * notice more than a disk that is slow for a moment. Whoever is off stays off.
   */
  holdingWrites<Result>(id: InstanceId, work: () => Promise<Result>): Promise<Result>;
  /**
   * What the guest has written to the files of its disks since this was asked before, and from now on: nothing is told
   * twice, nothing is left out. Offsets are those of the files; a driver that knows the guest's own only says null for a
   * qcow2. Null: it cannot say, because it was not asked before in this driver's life, or lost count. Then the disks
   * are read whole and compared.
   *
   * Asking takes: what is told is cleared, and an agent that dies before a round has read it takes it along. A driver
   * whose bitmap outlives the agent therefore says null the first time after the agent's start, or keeps what it told
   * until it is acknowledged.
   */
  takeDirty(id: InstanceId): Promise<ChangedRanges | null>;
  /** Refuses (DroverError) a guest that could not run here: machine type, CPU, name clash. */
  admits(spec: InstanceSpec): Promise<void>;
  /** Calls back when a guest changes its power state on its own. @returns a function that ends the watch. */
  watch(onChange: (fact: GuestFact) => void): () => void;
  close(): Promise<void>;
}

export interface GuestDefinition {
  readonly spec: InstanceSpec;
  /** Absolute path of the instance folder, made by the agent. */
  readonly folder: string;
  readonly disks: readonly DiskDescription[];
}

export interface GuestFact {
  readonly id: InstanceId;
  readonly power_state: PowerState;
}

export type HypervisorInventory = Pick<
  HostReport,
  | 'hypervisor_hostname'
  | 'hypervisor_type'
  | 'hypervisor_version'
  | 'inventory'
  | 'supported_instances'
  | 'cpu_info'
  | 'uptime'
  | 'metrics'
  | 'numa_cells'
  | 'pci_devices'
  | 'custom_resources'
>;
