import { describe } from 'vitest';
import { RAMWeigher } from '../../../../../services/scheduler/placement/weighers/ram-weigher.ts';
import { host, settings } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('RAMWeigher', () => {
  checkWeigher(RAMWeigher, {
    'half of the free memory, half of the weight': {
      hosts: [host('a').memory({ used: 65_536 }), host('b').memory({ used: 32_768 }), host('c')],
      raw: [0, 32_768, 65_536],
      weights: [0, 0.5, 1],
    },
    'the range begins at 0, not at the least': {
      hosts: [host('a').memory({ used: 32_768 }), host('b')],
      weights: [0.5, 1],
    },
    'overcommitted hosts count as 0': {
      hosts: [host('a').memory({ used: 70_000, allocation_ratio: 2 }), host('b')],
      raw: [-4464, 65_536],
      weights: [0, 1],
    },
    'equal hosts weigh 1 each, since 0 is the least': { hosts: [host('a'), host('b')], weights: [1, 1] },
    'all empty of free memory: 0': {
      hosts: [host('a').memory({ used: 65_536 }), host('b').memory({ used: 65_536 })],
      weights: [0, 0],
    },
    'one host alone is not weighed': { hosts: [host('a')], weights: [0] },
    'reserved memory is not free, whatever the ratio': {
      hosts: [host('a').memory({ reserved: 32_768, allocation_ratio: 4 }), host('b')],
      raw: [32_768, 65_536],
      weights: [0.5, 1],
    },
    'a negative multiplier stacks': {
      hosts: [host('a').memory({ used: 32_768 }), host('b')],
      settings: settings({ ram_weight_multiplier: -2 }),
      weights: [-1, -2],
    },
    'the least multiplier of the aggregates': {
      hosts: [
        host('a').aggregate({ ram_weight_multiplier: '3' }).aggregate({ ram_weight_multiplier: '2.5' }),
        host('b'),
      ],
      weights: [2.5, 1],
    },
    'not a number: the configured one, with a warning': {
      hosts: [host('a').aggregate({ ram_weight_multiplier: 'big' }), host('b')],
      weights: [1, 1],
      warnings: [
        '"ram_weight_multiplier" of aggregate aggregate-1 is not a number (big); used 1 as configured',
      ],
    },
  });
});
