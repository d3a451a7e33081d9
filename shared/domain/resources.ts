import type { FlavorSpec } from './instance-spec.ts';

/** Resource classes that Nova's placement knows for every server; custom ones are `CUSTOM_*`. */
export type ResourceClass = 'VCPU' | 'MEMORY_MB' | 'DISK_GB' | 'PCI_DEVICE' | `CUSTOM_${string}`;

/** Amounts per resource class, whole numbers in the class's own unit. */
export type ResourceAmounts = Readonly<Partial<Record<ResourceClass, number>>>;

const MEBIBYTES_PER_GIBIBYTE = 1024;

/**
 * What a flavor takes from a host. Swap is in MiB and is rounded up into DISK_GB together with root and
 * ephemeral (facts document, section 6.1, step 2). `resources:CLASS=N` extra specs override a class or add a custom one.
 */
export function resourcesOfFlavor(flavor: FlavorSpec): ResourceAmounts {
  const amounts: Partial<Record<ResourceClass, number>> = {
    VCPU: flavor.vcpus,
    MEMORY_MB: flavor.memory_mb,
    DISK_GB: flavor.root_gb + flavor.ephemeral_gb + Math.ceil(flavor.swap_mb / MEBIBYTES_PER_GIBIBYTE),
  };
  for (const [key, value] of Object.entries(flavor.extra_specs)) {
    const name = /^resources:(VCPU|MEMORY_MB|DISK_GB|CUSTOM_[A-Z0-9_]+)$/.exec(key)?.[1];
    if (name !== undefined && /^\d+$/.test(value)) amounts[name as ResourceClass] = Number(value);
  }
  for (const name of Object.keys(amounts) as ResourceClass[]) if (amounts[name] === 0) delete amounts[name];
  return amounts;
}
