import type { ResourceAmounts, ResourceClass } from '../../../shared/domain/resources.ts';

/** One resource class of a host, as it is under the host's lock. */
export interface Capacity {
  readonly total: number;
  readonly reserved: number;
  readonly allocation_ratio: number;
  readonly max_unit: number;
  readonly used: number;
}

/** Why a claim was refused; `check` is the stable word, `message` goes to people. */
export interface Refusal {
  readonly check:
    | 'host_unknown'
    | 'host_disabled'
    | 'host_down'
    | 'capacity'
    | 'max_unit'
    | 'details'
    | 'anti_affinity'
    | 'affinity';
  readonly message: string;
}

/**
 * Nova's rule per class (facts document, section 6.1): used + asked ≤ (total − reserved) × ratio, and asked ≤ max_unit.
 * @returns the first class that does not fit, or null.
 */
export function capacityRefusal(
  inventories: ReadonlyMap<string, Capacity>,
  asked: ResourceAmounts,
): Refusal | null {
  for (const [name, amount] of Object.entries(asked) as ReadonlyArray<[ResourceClass, number]>) {
    const inventory = inventories.get(name);
    if (inventory === undefined) return { check: 'capacity', message: `has no ${name}` };
    if (amount > inventory.max_unit) {
      return {
        check: 'max_unit',
        message: `gives one server at most ${inventory.max_unit} ${name}, asked ${amount}`,
      };
    }
    const limit = Math.floor((inventory.total - inventory.reserved) * inventory.allocation_ratio);
    const free = limit - inventory.used;
    if (amount > free) {
      return { check: 'capacity', message: `has ${Math.max(free, 0)} ${name} free, asked ${amount}` };
    }
  }
  return null;
}
