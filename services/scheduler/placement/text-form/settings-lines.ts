import { nearestName } from '../../../../shared/config/nearest.ts';
import { parsePciAliases } from '../pci/aliases.ts';
import { defaultPlacementSettings, type PlacementSettings } from '../settings.ts';
import { quotePair } from './words.ts';

const sections = ['filter_scheduler', 'scheduler', 'metrics'] as const;
type Section = (typeof sections)[number];
type Value = string | number | boolean | null | readonly string[];

/**
 * The settings with one line's pairs: `setting filter_scheduler host_subset_size=2`. What an option is, its default
 * says: lists are separated by commas.
 * @throws Error that names what is wrong
 */
export function withSettingLine(
  settings: PlacementSettings,
  section: string,
  pairs: ReadonlyMap<string, string>,
): PlacementSettings {
  if (section === 'DEFAULT') {
    const zone = pairs.get('default_availability_zone');
    if (zone === undefined || pairs.size > 1)
      throw new Error('of DEFAULT only default_availability_zone counts');
    return { ...settings, default_availability_zone: zone };
  }
  if (section === 'pci') {
    const alias = pairs.get('alias');
    if (alias === undefined || pairs.size > 1) throw new Error('of pci only alias counts, a JSON list');
    return { ...settings, pci_aliases: parsePciAliases([alias]) };
  }
  if (!isSection(section)) throw new Error(`"${section}" is not one of DEFAULT, pci, ${sections.join(', ')}`);
  const known: Readonly<Record<string, Value>> = { ...defaultPlacementSettings[section] };
  const changed = [...pairs].map(([key, text]): [string, Value] => {
    const example = known[key];
    if (example === undefined) {
      const nearest = nearestName(key, Object.keys(known));
      throw new Error(
        `[${section}] has no option ${key}${nearest === null ? '' : `; did you mean ${nearest}?`}`,
      );
    }
    return [key, valueOf(key, text, example)];
  });
  return { ...settings, [section]: { ...settings[section], ...Object.fromEntries(changed) } };
}

function isSection(word: string): word is Section {
  return sections.some((section) => section === word);
}

function valueOf(key: string, text: string, example: Value): Value {
  if (Array.isArray(example)) return text.split(',').filter((word) => word !== '');
  if (typeof example === 'boolean') {
    if (text !== 'true' && text !== 'false') throw new Error(`${key} must be true or false, not "${text}"`);
    return text === 'true';
  }
  if (typeof example === 'number') {
    const number = Number(text);
    if (text === '' || !Number.isFinite(number)) throw new Error(`${key} must be a number, not "${text}"`);
    return number;
  }
  return text;
}

/** The lines that make these settings from Nova's defaults; a site's own filters cannot be written down. */
export function settingLines(settings: PlacementSettings): readonly string[] {
  const lines = sections.flatMap((section) => {
    const defaults: Readonly<Record<string, Value>> = { ...defaultPlacementSettings[section] };
    const changed = Object.entries<Value>({ ...settings[section] }).flatMap(([key, value]) =>
      value === null || JSON.stringify(value) === JSON.stringify(defaults[key]) || !(key in defaults)
        ? []
        : [quotePair(key, Array.isArray(value) ? value.join(',') : String(value))],
    );
    return changed.length === 0 ? [] : [`setting ${section} ${changed.join(' ')}`];
  });
  const { default_availability_zone, pci_aliases } = settings;
  if (pci_aliases.length > 0) lines.push(`setting pci ${quotePair('alias', JSON.stringify(pci_aliases))}`);
  if (default_availability_zone !== defaultPlacementSettings.default_availability_zone)
    lines.push(`setting DEFAULT ${quotePair('default_availability_zone', default_availability_zone)}`);
  return lines;
}
