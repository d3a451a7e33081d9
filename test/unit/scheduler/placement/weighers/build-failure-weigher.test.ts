import { describe } from 'vitest';
import { BuildFailureWeigher } from '../../../../../services/scheduler/placement/weighers/build-failure-weigher.ts';
import { host } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('BuildFailureWeigher', () => {
  checkWeigher(BuildFailureWeigher, {
    'hosts where builds fail come last': {
      hosts: [host('a'), host('b').with({ failed_builds: 1 }), host('c').with({ failed_builds: 2 })],
      raw: [0, 1, 2],
      weights: [0, -500_000, -1_000_000],
    },
    'the override is negated too': {
      hosts: [
        host('a'),
        host('b').with({ failed_builds: 1 }).aggregate({ build_failure_weight_multiplier: '10' }),
      ],
      weights: [0, -10],
    },
  });
});
