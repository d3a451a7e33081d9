import { describe } from 'vitest';
import { AggregateTypeAffinityFilter } from '../../../../../services/scheduler/placement/filters/aggregate-type-affinity-filter.ts';
import { host } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AggregateTypeAffinityFilter', () => {
  checkFilter(AggregateTypeAffinityFilter, {
    'kept for the flavor, for others, for nobody': {
      hosts: [
        host('mine').aggregate({ instance_type: 'm1.large, m1.small' }),
        host('other').aggregate({ instance_type: 'm1.large' }),
        host('free'),
      ],
      passes: ['mine', 'free'],
      rejects: { other: 'is kept for flavors m1.large, asked for m1.small' },
    },
  });
});
