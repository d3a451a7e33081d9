import { join } from 'node:path';
import type { Configuration } from '../../shared/config/configuration.ts';
import { DroverError } from '../../shared/errors/drover-error.ts';
import { commandNames } from './commands/registry.ts';
import { hostOf } from './host-identity.ts';
import type { FakeHypervisorOptions } from './hypervisor/fake/fake-hypervisor.ts';
import { calmKnobs, parsePerCommand, type PerCommand } from './hypervisor/fake/knobs.ts';

/** Changes of this file take effect at once, without a restart. */
export const KNOBS_FILE = 'fake-knobs.json';

/**
 * The section [fake] as the fake hypervisor wants it.
 * @throws DroverError configuration_invalid for a command that does not exist
 */
export function fakeOptions(configuration: Configuration): FakeHypervisorOptions {
  const { DEFAULT, fake } = configuration;
  return {
    host: hostOf(configuration),
    state_path: DEFAULT.state_path,
    instances_path: DEFAULT.instances_path,
    vcpus: fake.vcpus,
    memory_mb: fake.memory_mb,
    local_gb: fake.local_gb,
    knobs_file: join(DEFAULT.state_path, KNOBS_FILE),
    knobs: {
      ...calmKnobs,
      delay: perCommand('delay', fake.delay, 0),
      fail: perCommand('fail', fake.fail, Infinity),
      hang: perCommand('hang', fake.hang, Infinity),
      lose_reply: perCommand('lose_reply', fake.lose_reply, Infinity),
      stop_delay_seconds: fake.stop_delay_seconds,
      guest_write_bytes_per_second: fake.guest_write_rate,
    },
  };
}

function perCommand(option: string, values: readonly string[], fallback: number): PerCommand {
  try {
    return parsePerCommand(values, commandNames, fallback);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new DroverError('configuration_invalid', {
      count: 1,
      problems: `[fake] ${option}: ${error.message}`,
    });
  }
}
