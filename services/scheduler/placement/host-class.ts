import type { HostState, PlacedInstance } from './model.ts';
import { PlacedInstances } from './placed-instances.ts';

/**
 * What many hosts of a fleet have in common: hardware model, aggregates, zone. A rule that reads only this is
 * evaluated once per class and not once per host.
 */
export type HostClass = Pick<
  HostState,
  | 'hypervisor_type'
  | 'hypervisor_version'
  | 'supported_instances'
  | 'cpu_info'
  | 'aggregates'
  | 'availability_zone'
>;

type SharedPlaced = Omit<PlacedInstance, 'id'>;

/** Equal objects become one, found by their text. For objects that are new each time; see Pool for others. */
class TextPool<Value extends object> {
  readonly #by_text = new Map<string, Value>();

  of(value: Value): Value {
    const text = JSON.stringify(value);
    const known = this.#by_text.get(text);
    if (known === undefined) this.#by_text.set(text, value);
    return known ?? value;
  }
}

/** Gives one object and one number to equal values, so that ten thousand hosts share their CPU's description. */
class Pool<Value extends object> {
  readonly #by_text = new Map<string, { readonly value: Value; readonly number: number }>();
  /** Values seen before are found without being written out as text again. */
  readonly #by_object = new WeakMap<Value, { readonly value: Value; readonly number: number }>();

  of(value: Value): { readonly value: Value; readonly number: number } {
    const seen = this.#by_object.get(value);
    if (seen !== undefined) return seen;
    const text = JSON.stringify(value);
    let entry = this.#by_text.get(text);
    if (entry === undefined) {
      entry = { value, number: this.#by_text.size };
      this.#by_text.set(text, entry);
    }
    this.#by_object.set(value, entry);
    return entry;
  }
}

/** The classes of a cluster, numbered; shared by all versions of one snapshot. */
export class HostClasses {
  readonly #supported = new Pool<HostState['supported_instances']>();
  readonly #cpu_info = new Pool<HostState['cpu_info']>();
  readonly #aggregates = new Pool<HostState['aggregates']>();
  readonly #cells = new Pool<HostState['numa_cells']>();
  readonly #metrics = new Pool<HostState['metrics']>();
  readonly #devices = new Pool<HostState['pci_devices']>();
  readonly #placed = new TextPool<SharedPlaced>();
  readonly #number_by_key = new Map<string, number>();
  readonly #classes: HostClass[] = [];
  readonly #metadata_keys = new Set<string>();
  /** Number 0: no reason was given. */
  readonly #disabled_reasons: string[] = [''];

  /** One class per number. */
  get all(): readonly HostClass[] {
    return this.#classes;
  }

  /** What operators said when they disabled hosts, one per number. */
  get disabled_reasons(): readonly string[] {
    return this.#disabled_reasons;
  }

  numberOfDisabledReason(host: HostState): number {
    const reason = host.enabled ? '' : (host.disabled_reason ?? '');
    const known = this.#disabled_reasons.indexOf(reason);
    return known < 0 ? this.#disabled_reasons.push(reason) - 1 : known;
  }

  /** True when some aggregate has this metadata key: most clusters override no multiplier, and need not look. */
  hasMetadata(key: string): boolean {
    return this.#metadata_keys.has(key);
  }

  /** The host with its large parts replaced by shared ones, and its instances in their compact form. */
  share(host: HostState): HostState {
    const instances =
      host.instances instanceof PlacedInstances
        ? host.instances
        : PlacedInstances.from(host.instances.values(), (placed) => this.#placed.of(placed));
    return {
      ...host,
      hypervisor_hostname: host.hypervisor_hostname === host.name ? host.name : host.hypervisor_hostname,
      supported_instances: this.#supported.of(host.supported_instances).value,
      cpu_info: this.#cpu_info.of(host.cpu_info).value,
      aggregates: this.#aggregates.of(host.aggregates).value,
      numa_cells: this.#cells.of(host.numa_cells).value,
      metrics: Object.keys(host.metrics).length === 0 ? this.#metrics.of(host.metrics).value : host.metrics,
      pci_devices:
        host.pci_devices.length === 0 ? this.#devices.of(host.pci_devices).value : host.pci_devices,
      instances,
    };
  }

  /** The number of the host's class; a new one when no host had these properties before. */
  numberOf(host: HostState): number {
    const key = [
      host.hypervisor_type,
      host.hypervisor_version,
      host.availability_zone,
      this.#supported.of(host.supported_instances).number,
      this.#cpu_info.of(host.cpu_info).number,
      this.#aggregates.of(host.aggregates).number,
    ].join('\u0000');
    const known = this.#number_by_key.get(key);
    if (known !== undefined) return known;
    const { hypervisor_type, hypervisor_version, supported_instances, cpu_info, aggregates } = host;
    const number = this.#classes.length;
    this.#classes.push({
      hypervisor_type,
      hypervisor_version,
      supported_instances,
      cpu_info,
      aggregates,
      availability_zone: host.availability_zone,
    });
    for (const { metadata } of aggregates)
      for (const name of Object.keys(metadata)) this.#metadata_keys.add(name);
    this.#number_by_key.set(key, number);
    return number;
  }
}
