import { describe } from 'vitest';
import { AggregateMultiTenancyIsolation } from '../../../../../services/scheduler/placement/filters/aggregate-multi-tenancy-isolation.ts';
import { host } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AggregateMultiTenancyIsolation', () => {
  checkFilter(AggregateMultiTenancyIsolation, {
    'kept for the project, for others, for nobody': {
      hosts: [
        host('mine').aggregate({ filter_tenant_id: 'q, p' }),
        host('other').aggregate({ filter_tenant_id: 'q' }),
        host('free'),
      ],
      passes: ['mine', 'free'],
      rejects: { other: 'kept for other projects' },
    },
    'one of several aggregates is enough': {
      hosts: [host('a').aggregate({ filter_tenant_id: 'q' }).aggregate({ filter_tenant_id: 'p' })],
      passes: ['a'],
    },
  });
});
