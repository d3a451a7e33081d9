import { describe } from 'vitest';
import { CPUWeigher } from '../../../../../services/scheduler/placement/weighers/cpu-weigher.ts';
import { host } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('CPUWeigher', () => {
  checkWeigher(CPUWeigher, {
    'free after the ratio': {
      hosts: [host('a').vcpu({ allocation_ratio: 4, used: 32 }), host('b').vcpu({ allocation_ratio: 4 })],
      raw: [32, 64],
      weights: [0.5, 1],
    },
    'reserved cpus count as used': {
      hosts: [host('a').vcpu({ reserved: 8 }), host('b')],
      raw: [8, 16],
      weights: [0.5, 1],
    },
    'aggregate override': {
      hosts: [host('a').aggregate({ cpu_weight_multiplier: '0' }), host('b')],
      weights: [0, 1],
    },
  });
});
