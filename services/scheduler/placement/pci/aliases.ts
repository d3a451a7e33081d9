import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { PciAlias } from '../settings.ts';

const deviceTypes = ['type-PCI', 'type-PF', 'type-VF'] as const;
const numaPolicies = ['required', 'legacy', 'preferred', 'socket'] as const;

/**
 * Reads the values of `[pci] alias`, each a JSON object or a JSON list of them, as nova.conf has them.
 *
 * @throws DroverError `pci_alias_invalid`
 */
export function parsePciAliases(texts: readonly string[]): readonly PciAlias[] {
  return texts.flatMap((text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new DroverError(
        'pci_alias_invalid',
        { alias: text, problem: 'it is not JSON' },
        { cause: error },
      );
    }
    const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
    return entries.map((entry) => aliasOf(entry, text));
  });
}

function aliasOf(entry: unknown, text: string): PciAlias {
  const invalid = (problem: string): DroverError =>
    new DroverError('pci_alias_invalid', { alias: text, problem });
  if (typeof entry !== 'object' || entry === null) throw invalid('it is not an object');
  const fields = entry as Readonly<Record<string, unknown>>;
  const read = (key: string): string | undefined => {
    const value = fields[key];
    if (value === undefined || typeof value === 'string') return value;
    throw invalid(`${key} is not a text`);
  };
  const choice = <Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined => {
    const value = read(key);
    if (value === undefined) return undefined;
    const found = choices.find((known) => known === value);
    if (found === undefined) throw invalid(`${key} is not one of ${choices.join(', ')}`);
    return found;
  };
  const name = read('name');
  if (name === undefined || name === '') throw invalid('it has no name');
  const vendor_id = read('vendor_id');
  const product_id = read('product_id');
  const device_type = choice('device_type', deviceTypes);
  const numa_policy = choice('numa_policy', numaPolicies);
  return {
    name,
    ...(vendor_id === undefined ? {} : { vendor_id: vendor_id.toLowerCase() }),
    ...(product_id === undefined ? {} : { product_id: product_id.toLowerCase() }),
    ...(device_type === undefined ? {} : { device_type }),
    ...(numa_policy === undefined ? {} : { numa_policy }),
  };
}
