import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { statfs } from 'node:fs/promises';
import type { HostName, InstanceId } from '../../../../shared/domain/ids.ts';
import type { InstanceSpec } from '../../../../shared/domain/instance-spec.ts';
import { PowerState } from '../../../../shared/domain/states.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { DiskDescription } from '../../../../shared/messaging/commands.ts';
import { describeDisk } from '../../images/describe-disk.ts';
import type { GuestDefinition, GuestFact, Hypervisor, HypervisorInventory } from '../hypervisor.ts';
import type { ChangedRanges } from '../../mover/mover.ts';
import { DirtyBlocks } from './dirty-blocks.ts';
import { GuestStateFiles, type GuestState } from './guest-state.ts';
import { GuestWriter } from './guest-writer.ts';
import { KnobBoard, type Knobs } from './knobs.ts';

export interface FakeHypervisorOptions {
  readonly host: HostName;
  /** Folder for the guests' state files. */
  readonly state_path: string;
  readonly instances_path: string;
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly local_gb: number;
  readonly knobs: Knobs;
  /** JSON file that is read again at each use; null: none. */
  readonly knobs_file: string | null;
}

const KNOBS_READ_MILLISECONDS = 500;

/**
 * Simulated guests with real disk files. It ships with the product: demo, scale tests, and in executable form what
 * a driver owes. Guests outlive the agent: one that ran runs again after its restart, as the same boot.
 */
export class FakeHypervisor implements Hypervisor {
  readonly knobs: KnobBoard;
  readonly #options: FakeHypervisorOptions;
  readonly #files: GuestStateFiles;
  readonly #watchers = new Set<(fact: GuestFact) => void>();
  readonly #writers = new Map<InstanceId, GuestWriter>();
  readonly #dirty = new Map<InstanceId, DirtyBlocks>();
  /** Guests whose writes wait. */
  readonly #held = new Set<InstanceId>();
  readonly #ending = new AbortController();
  #guests = new Map<InstanceId, GuestState>();
  #write_rate = 0;
  #knobs_timer: NodeJS.Timeout | null = null;

  private constructor(options: FakeHypervisorOptions) {
    this.#options = options;
    this.#files = new GuestStateFiles(join(options.state_path, 'fake-guests'));
    this.knobs = new KnobBoard({ configured: options.knobs, file: options.knobs_file, host: options.host });
  }

  /** Finds the guests of the last run again. */
  static async open(options: FakeHypervisorOptions): Promise<FakeHypervisor> {
    const hypervisor = new FakeHypervisor(options);
    hypervisor.#guests = await hypervisor.#files.load();
    await hypervisor.#followKnobs();
    for (const state of hypervisor.#guests.values()) hypervisor.#resumeWriting(state);
    return hypervisor;
  }

  async inventory(): Promise<HypervisorInventory> {
    const { host, instances_path, vcpus, memory_mb, local_gb } = this.#options;
    const { bavail, bsize } = await statfs(instances_path);
    return {
      hypervisor_hostname: host,
      hypervisor_type: 'fake',
      hypervisor_version: 1_000_000,
      inventory: { vcpus, memory_mb, local_gb, disk_available_bytes: bavail * bsize },
      supported_instances: [['x86_64', 'fake', 'hvm']],
      cpu_info: {
        arch: 'x86_64',
        model: 'Nehalem',
        vendor: 'Intel',
        features: ['pge', 'clflush'],
        topology: { cores: 1, threads: 1, sockets: vcpus },
      },
      uptime: `up ${Math.floor(uptime())} seconds`,
    };
  }

  list(): Promise<readonly GuestFact[]> {
    return Promise.resolve([...this.#guests.values()].map(factOf));
  }

  describe(id: InstanceId): Promise<GuestFact | null> {
    const state = this.#guests.get(id);
    return Promise.resolve(state === undefined ? null : factOf(state));
  }

  async define(definition: GuestDefinition): Promise<void> {
    const id = definition.spec.id;
    const present = this.#guests.get(id);
    if (present !== undefined) return this.#set({ ...present, definition });
    await this.#set({ definition, power_state: PowerState.shutdown, boot_id: null, written_blocks: 0 });
  }

  async start(id: InstanceId): Promise<void> {
    if (this.#guest(id).power_state === PowerState.running) return;
    const { boot_delay_seconds } = await this.knobs.read();
    if (boot_delay_seconds > 0) await this.#wait(boot_delay_seconds);
    const state = { ...this.#guest(id), power_state: PowerState.running, boot_id: randomUUID() };
    await this.#set(state);
    this.#resumeWriting(state);
  }

  async stop(id: InstanceId, timeout_seconds: number): Promise<{ readonly forced: boolean }> {
    if (this.#guest(id).power_state !== PowerState.running) return { forced: false };
    const { stop_delay_seconds } = await this.knobs.read();
    const forced = stop_delay_seconds > timeout_seconds;
    const seconds = forced ? timeout_seconds : stop_delay_seconds;
    if (seconds > 0) await this.#wait(seconds);
    await this.#powerOff(id, PowerState.shutdown);
    return { forced };
  }

  async reset(id: InstanceId): Promise<void> {
    await this.#powerOff(id, PowerState.shutdown);
    await this.start(id);
  }

  async undefine(id: InstanceId): Promise<void> {
    if (!this.#guests.has(id)) return;
    await this.#powerOff(id, PowerState.shutdown);
    await this.#files.remove(id);
    this.#guests.delete(id);
    this.#dirty.delete(id);
  }

  disks(id: InstanceId): Promise<readonly DiskDescription[]> {
    const { folder, disks } = this.#guest(id).definition;
    return Promise.all(disks.map((disk) => describeDisk(folder, disk, this.#options.host)));
  }

  async holdingWrites<Result>(id: InstanceId, work: () => Promise<Result>): Promise<Result> {
    this.#guest(id);
    this.#held.add(id);
    try {
      await this.#endWriting(id);
      return await work();
    } finally {
      this.#held.delete(id);
      const state = this.#guests.get(id);
      if (state !== undefined) this.#resumeWriting(state);
    }
  }

  /** Knows of raw disks what its own writers write; a qcow2 file is written by tests only. */
  takeDirty(id: InstanceId): Promise<ChangedRanges | null> {
    const { disks } = this.#guest(id).definition;
    const ranges = this.#dirtyOf(id).take();
    if (ranges === null) return Promise.resolve(null);
    const written = writtenDisk(disks);
    return Promise.resolve(
      Object.fromEntries(
        disks.map((disk) => [disk.name, disk.format === 'raw' ? (disk === written ? ranges : []) : null]),
      ),
    );
  }

  #dirtyOf(id: InstanceId): DirtyBlocks {
    const dirty = this.#dirty.get(id) ?? new DirtyBlocks();
    this.#dirty.set(id, dirty);
    return dirty;
  }

  async admits(spec: InstanceSpec): Promise<void> {
    for (const [id, { definition }] of this.#guests)
      if (id !== spec.id && definition.spec.instance_name === spec.instance_name)
        throw new DroverError('guest_name_clash', {
          instance: spec.id,
          host: this.#options.host,
          found: `guest ${id} has the name ${spec.instance_name} there`,
        });
  }

  watch(onChange: (fact: GuestFact) => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** The guest goes down on its own: shut down from inside, or crashed. For tests and demonstrations. */
  async goDown(id: InstanceId, power_state: PowerState): Promise<void> {
    await this.#powerOff(id, power_state);
    const fact = factOf(this.#guest(id));
    for (const tell of this.#watchers) tell(fact);
  }

  /** What the state file says: which boot this is. */
  state(id: InstanceId): GuestState | null {
    return this.#guests.get(id) ?? null;
  }

  async close(): Promise<void> {
    this.#ending.abort(new Error('the hypervisor connection was closed'));
    if (this.#knobs_timer !== null) clearInterval(this.#knobs_timer);
    this.#watchers.clear();
    for (const id of this.#writers.keys()) await this.#endWriting(id);
  }

  /** When this has ended every write lies in the file and none will follow: its writer goes after its state. */
  async #powerOff(id: InstanceId, power_state: PowerState): Promise<void> {
    const writer = this.#writers.get(id);
    const written_blocks = (await writer?.end()) ?? this.#guest(id).written_blocks;
    const state = { ...this.#guest(id), written_blocks };
    if (state.power_state !== power_state || writer !== undefined)
      await this.#set({ ...state, power_state, boot_id: null });
    this.#writers.delete(id);
  }

  async #set(state: GuestState): Promise<void> {
    await this.#files.write(state);
    this.#guests.set(state.definition.spec.id, state);
  }

  #guest(id: InstanceId): GuestState {
    const state = this.#guests.get(id);
    if (state !== undefined) return state;
    throw new DroverError('guest_not_defined', {
      instance: id,
      host: this.#options.host,
      found: 'the hypervisor knows no such guest',
    });
  }

  #wait(seconds: number): Promise<void> {
    return delay(seconds * 1000, undefined, { signal: this.#ending.signal });
  }

  /** A timer only where knobs can change at all; without it a guest's rate is fixed. */
  async #followKnobs(): Promise<void> {
    const read = async () => {
      this.#write_rate = (await this.knobs.read()).guest_write_bytes_per_second;
      for (const state of this.#guests.values()) this.#resumeWriting(state);
    };
    await read();
    if (this.#options.knobs_file === null) return;
    this.#knobs_timer = setInterval(() => void read(), KNOBS_READ_MILLISECONDS);
    this.#knobs_timer.unref();
  }

  /** Writes to raw disks only: a qcow2 file takes more than bytes at an offset. */
  #resumeWriting(state: GuestState): void {
    const { spec, folder, disks } = state.definition;
    const disk = writtenDisk(disks);
    if (this.#write_rate === 0 || disk === undefined || this.#ending.signal.aborted) return;
    if (state.power_state !== PowerState.running || this.#writers.has(spec.id)) return;
    if (this.#held.has(spec.id)) return;
    const writer = new GuestWriter({
      id: spec.id,
      path: join(folder, disk.name),
      written_blocks: state.written_blocks,
      rate: () => this.#write_rate,
      onWritten: (offset_bytes) => this.#dirty.get(spec.id)?.note(offset_bytes),
    });
    this.#writers.set(spec.id, writer);
  }

  async #endWriting(id: InstanceId): Promise<void> {
    const writer = this.#writers.get(id);
    if (writer === undefined) return;
    const written_blocks = await writer.end();
    this.#writers.delete(id);
    await this.#set({ ...this.#guest(id), written_blocks });
  }
}

/** Guests write to their first raw disk. */
const writtenDisk = (disks: readonly DiskDescription[]): DiskDescription | undefined =>
  disks.find(({ format }) => format === 'raw');

function factOf(state: GuestState): GuestFact {
  return { id: state.definition.spec.id, power_state: state.power_state };
}
