import { describe } from 'vitest';
import { AggregateCoreFilter } from '../../../../../services/scheduler/placement/filters/aggregate-core-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const small = request().flavor({ vcpus: 10, memory_mb: 10, root_gb: 10 });

describe('AggregateCoreFilter', () => {
  checkFilter(AggregateCoreFilter, {
    'the least ratio of the aggregates': {
      hosts: [
        host('a')
          .vcpu({ total: 100, used: 120 })
          .aggregate({ cpu_allocation_ratio: '2' })
          .aggregate({ cpu_allocation_ratio: '4' }),
        host('b')
          .vcpu({ total: 100, used: 95, allocation_ratio: 16 })
          .aggregate({ cpu_allocation_ratio: '1' }),
        host('c').vcpu({ total: 100, used: 120, allocation_ratio: 2 }),
      ],
      request: small,
      passes: ['a', 'c'],
      rejects: { b: 'short of 5 VCPU' },
    },
    'not a number: the ratio of the host': {
      hosts: [host('a').vcpu({ total: 100, used: 120 }).aggregate({ cpu_allocation_ratio: 'much' })],
      request: small,
      passes: [],
    },
  });
});
