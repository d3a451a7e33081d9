import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { FakeHypervisorOptions } from './fake/fake-hypervisor.ts';
import type { Hypervisor } from './hypervisor.ts';

export interface HypervisorChoice {
  /** `[DEFAULT] compute_driver`. */
  readonly compute_driver: string;
  readonly fake: FakeHypervisorOptions;
}

/**
 * Opens the hypervisor that the configuration names. Only its driver is loaded.
 * @throws DroverError hypervisor_driver_missing
 */
export async function openHypervisor(choice: HypervisorChoice): Promise<Hypervisor> {
  switch (choice.compute_driver) {
    case 'fake.FakeDriver': {
      const { FakeHypervisor } = await import('./fake/fake-hypervisor.ts');
      return FakeHypervisor.open(choice.fake);
    }
    default:
      throw new DroverError('hypervisor_driver_missing', { driver: choice.compute_driver });
  }
}
