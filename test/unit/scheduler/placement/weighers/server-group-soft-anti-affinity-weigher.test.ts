import { describe } from 'vitest';
import { ServerGroupSoftAntiAffinityWeigher } from '../../../../../services/scheduler/placement/weighers/server-group-soft-anti-affinity-weigher.ts';
import { host, request } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('ServerGroupSoftAntiAffinityWeigher', () => {
  checkWeigher(ServerGroupSoftAntiAffinityWeigher, {
    'fewer members are better': {
      hosts: [host('a'), host('b'), host('c')],
      request: request().group('soft-anti-affinity', { one: ['b'], two: ['c'], three: ['c'] }),
      raw: [0, -1, -2],
      weights: [1, 0.5, 0],
    },
    'another policy: no preference': {
      hosts: [host('a'), host('b')],
      request: request().group('anti-affinity', { one: ['b'] }),
      weights: [0, 0],
    },
  });
});
