import { describe } from 'vitest';
import { AggregateIoOpsFilter } from '../../../../../services/scheduler/placement/filters/aggregate-io-ops-filter.ts';
import { host } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AggregateIoOpsFilter', () => {
  checkFilter(AggregateIoOpsFilter, {
    'the configured limit without an aggregate': {
      hosts: [host('a').with({ io_operations: 7 }), host('b').with({ io_operations: 8 })],
      passes: ['a'],
    },
    'the least of the aggregates': {
      hosts: [
        host('a')
          .with({ io_operations: 3 })
          .aggregate({ max_io_ops_per_host: '9' })
          .aggregate({ max_io_ops_per_host: '3' }),
        host('b').with({ io_operations: 20 }).aggregate({ max_io_ops_per_host: '30' }),
      ],
      passes: ['b'],
      rejects: { a: 'has 3 disk-heavy operations under way, allowed are fewer than 3' },
    },
    'not a number: the configured limit': {
      hosts: [host('a').with({ io_operations: 7 }).aggregate({ max_io_ops_per_host: 'many' })],
      passes: ['a'],
    },
  });
});
