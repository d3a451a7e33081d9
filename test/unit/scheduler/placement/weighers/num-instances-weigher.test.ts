import { describe } from 'vitest';
import { NumInstancesWeigher } from '../../../../../services/scheduler/placement/weighers/num-instances-weigher.ts';
import { host, settings } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('NumInstancesWeigher', () => {
  checkWeigher(NumInstancesWeigher, {
    'off by default': { hosts: [host('a').instance('1'), host('b')], weights: [0, 0] },
    'more instances': {
      hosts: [host('a').instance('1').instance('2'), host('b').instance('3'), host('c')],
      settings: settings({ num_instances_weight_multiplier: 2 }),
      raw: [2, 1, 0],
      weights: [2, 1, 0],
    },
    'on for the hosts of an aggregate': {
      hosts: [host('a').instance('1').aggregate({ num_instances_weight_multiplier: '3' }), host('b')],
      weights: [3, 0],
    },
  });
});
