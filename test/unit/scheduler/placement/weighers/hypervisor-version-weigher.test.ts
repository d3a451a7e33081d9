import { describe } from 'vitest';
import { HypervisorVersionWeigher } from '../../../../../services/scheduler/placement/weighers/hypervisor-version-weigher.ts';
import { host } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('HypervisorVersionWeigher', () => {
  checkWeigher(HypervisorVersionWeigher, {
    'newer ones first': {
      hosts: [
        host('a').with({ hypervisor_version: 6_000_000 }),
        host('b').with({ hypervisor_version: 8_000_000 }),
      ],
      raw: [6_000_000, 8_000_000],
      weights: [0, 1],
    },
    'aggregate override': {
      hosts: [
        host('a').with({ hypervisor_version: 1 }),
        host('b').aggregate({ hypervisor_version_weight_multiplier: '4' }),
      ],
      weights: [0, 4],
    },
  });
});
