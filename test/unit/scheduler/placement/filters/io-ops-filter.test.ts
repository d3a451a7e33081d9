import { describe } from 'vitest';
import { IoOpsFilter } from '../../../../../services/scheduler/placement/filters/io-ops-filter.ts';
import { host, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('IoOpsFilter', () => {
  checkFilter(IoOpsFilter, {
    'fewer than the limit': {
      hosts: [host('a').with({ io_operations: 7 }), host('b').with({ io_operations: 8 })],
      passes: ['a'],
      rejects: { b: 'has 8 disk-heavy operations under way, allowed are fewer than 8' },
    },
    'the configured limit': {
      hosts: [host('a').with({ io_operations: 2 })],
      settings: settings({ max_io_ops_per_host: 2 }),
      passes: [],
    },
  });
});
