import { describe } from 'vitest';
import { AggregateRamFilter } from '../../../../../services/scheduler/placement/filters/aggregate-ram-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const small = request().flavor({ vcpus: 10, memory_mb: 10, root_gb: 10 });

describe('AggregateRamFilter', () => {
  checkFilter(AggregateRamFilter, {
    'the least ratio of the aggregates': {
      hosts: [
        host('a')
          .memory({ total: 100, used: 120 })
          .aggregate({ ram_allocation_ratio: '2' })
          .aggregate({ ram_allocation_ratio: '4' }),
        host('b')
          .memory({ total: 100, used: 95, allocation_ratio: 16 })
          .aggregate({ ram_allocation_ratio: '1' }),
        host('c').memory({ total: 100, used: 120, allocation_ratio: 2 }),
      ],
      request: small,
      passes: ['a', 'c'],
      rejects: { b: 'short of 5 MB' },
    },
    'not a number: the ratio of the host': {
      hosts: [host('a').memory({ total: 100, used: 120 }).aggregate({ ram_allocation_ratio: 'much' })],
      request: small,
      passes: [],
    },
  });
});
