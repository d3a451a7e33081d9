import { describe } from 'vitest';
import { IoOpsWeigher } from '../../../../../services/scheduler/placement/weighers/io-ops-weigher.ts';
import { host } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('IoOpsWeigher', () => {
  checkWeigher(IoOpsWeigher, {
    'busy hosts last': {
      hosts: [
        host('a').with({ io_operations: 2 }),
        host('b').with({ io_operations: 4 }),
        host('c').with({ io_operations: 6 }),
      ],
      raw: [2, 4, 6],
      weights: [0, -0.5, -1],
    },
    'aggregate override': {
      hosts: [host('a'), host('b').with({ io_operations: 4 }).aggregate({ io_ops_weight_multiplier: '-3' })],
      weights: [0, -3],
    },
  });
});
