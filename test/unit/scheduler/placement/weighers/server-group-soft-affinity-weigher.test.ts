import { describe } from 'vitest';
import { ServerGroupSoftAffinityWeigher } from '../../../../../services/scheduler/placement/weighers/server-group-soft-affinity-weigher.ts';
import { host, request } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('ServerGroupSoftAffinityWeigher', () => {
  checkWeigher(ServerGroupSoftAffinityWeigher, {
    'without a group: no preference': { hosts: [host('a'), host('b')], weights: [0, 0] },
    'more members are better': {
      hosts: [host('a'), host('b'), host('c')],
      request: request().group('soft-affinity', { one: ['b'], two: ['c'], three: ['c'], me: ['a'] }),
      raw: [0, 1, 2],
      weights: [0, 0.5, 1],
    },
    'another policy: no preference': {
      hosts: [host('a'), host('b')],
      request: request().group('soft-anti-affinity', { one: ['b'] }),
      weights: [0, 0],
    },
    'aggregate override': {
      hosts: [host('a'), host('b').aggregate({ soft_affinity_weight_multiplier: '7' })],
      request: request().group('soft-affinity', { one: ['b'] }),
      weights: [0, 7],
    },
  });
});
