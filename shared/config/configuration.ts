import { dirname, resolve } from 'node:path';
import { DroverError } from '../errors/drover-error.ts';
import { loadSections, type SectionValues } from './load-sections.ts';
import { OptionValueError } from './option.ts';
import type { ValuesOf } from './section.ts';
import { apiSection } from './sections/api.ts';
import { computeSection } from './sections/compute.ts';
import { databaseSection } from './sections/database.ts';
import { defaultSection } from './sections/default.ts';
import { droverSection } from './sections/drover.ts';
import { fakeSection } from './sections/fake.ts';
import { filterSchedulerSection } from './sections/filter-scheduler.ts';
import { identitySection } from './sections/identity.ts';
import { imageSection } from './sections/image.ts';
import { imageCacheSection } from './sections/image-cache.ts';
import { libvirtSection } from './sections/libvirt.ts';
import { metricsSection } from './sections/metrics.ts';
import { moverSection } from './sections/mover.ts';
import { osloPolicySection } from './sections/oslo-policy.ts';
import { pciSection } from './sections/pci.ts';
import { quotaSection } from './sections/quota.ts';
import { schedulerSection } from './sections/scheduler.ts';

/** Every section, in the order of the sample file. */
export const sections = [
  defaultSection,
  databaseSection,
  apiSection,
  computeSection,
  schedulerSection,
  filterSchedulerSection,
  metricsSection,
  pciSection,
  quotaSection,
  osloPolicySection,
  imageSection,
  imageCacheSection,
  identitySection,
  libvirtSection,
  droverSection,
  moverSection,
  fakeSection,
] as const;

type DeclaredSection = (typeof sections)[number];

/** All options with their values, typed from their declarations: `configuration.mover.stall_timeout_seconds`. */
export type Configuration = {
  readonly [Declared in DeclaredSection as Declared['name']]: ValuesOf<Declared>;
};

export type ConfigurationOverrides = {
  readonly [Name in keyof Configuration]?: Partial<Configuration[Name]>;
};

export interface LoadOptions {
  /** Win over the files; checked like them. For tests and command line switches. */
  readonly overrides?: ConfigurationOverrides;
  /** Told once per sentence about what has no effect. Default: one line each on stderr. */
  readonly warn?: (message: string) => void;
}

/**
 * Reads the configuration. Later files win over earlier ones; without files everything has its default.
 * @throws DroverError configuration_unreadable, configuration_invalid (all problems at once, with file and line)
 */
export function loadConfiguration(files: readonly string[], options: LoadOptions = {}): Configuration {
  const warn = options.warn ?? ((message: string) => void process.stderr.write(`warning: ${message}\n`));
  const { values, warnings } = loadSections(sections, files);
  applyOverrides(values, options.overrides ?? {});
  settle(values as unknown as Writable, files, warn);
  warnings.forEach((message) => warn(message));
  for (const section of Object.values(values)) Object.freeze(section);
  return Object.freeze(values) as unknown as Configuration;
}

type Writable = {
  -readonly [Name in keyof Configuration]: {
    -readonly [Key in keyof Configuration[Name]]: Configuration[Name][Key];
  };
};

function applyOverrides(values: SectionValues, overrides: ConfigurationOverrides): void {
  for (const section of sections)
    for (const [name, value] of Object.entries(overrides[section.name] ?? {})) {
      const option = Object.entries(section.options).find(([declared]) => declared === name)?.[1];
      if (option === undefined)
        throw new Error(`override of the undeclared option [${section.name}] ${name}`);
      try {
        (values[section.name] ??= {})[name] = option.check(value);
      } catch (error) {
        if (!(error instanceof OptionValueError)) throw error;
        throw new DroverError('configuration_invalid', {
          count: 1,
          problems: `override of [${section.name}] ${name}: must be ${option.allowed}`,
        });
      }
    }
}

/** What depends on more than one option. */
function settle(values: Writable, files: readonly string[], warn: (message: string) => void): void {
  const { DEFAULT } = values;
  if (DEFAULT.service_down_time <= DEFAULT.report_interval) {
    // Nova's rule: a host must be allowed to miss a report before it counts as down.
    const raised = Math.ceil(DEFAULT.report_interval * 2.5);
    warn(
      `service_down_time (${DEFAULT.service_down_time}) is not larger than report_interval (${DEFAULT.report_interval}); ${raised} is used`,
    );
    DEFAULT.service_down_time = raised;
  }
  const lastFile = files.at(-1);
  const folder = lastFile === undefined ? process.cwd() : dirname(resolve(lastFile));
  for (const section of sections)
    for (const [name, option] of Object.entries(section.options)) {
      const own = values[section.name] as Record<string, unknown>;
      const value = own[name];
      if (option.type === 'path' && typeof value === 'string') own[name] = resolve(folder, value);
    }
  values.oslo_policy.policy_dirs = values.oslo_policy.policy_dirs.map((name) => resolve(folder, name));
}
