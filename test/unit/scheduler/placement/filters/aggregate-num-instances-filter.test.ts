import { describe } from 'vitest';
import { AggregateNumInstancesFilter } from '../../../../../services/scheduler/placement/filters/aggregate-num-instances-filter.ts';
import { host, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AggregateNumInstancesFilter', () => {
  checkFilter(AggregateNumInstancesFilter, {
    'the least of the aggregates': {
      hosts: [
        host('a')
          .instance('1')
          .aggregate({ max_instances_per_host: '1' })
          .aggregate({ max_instances_per_host: '5' }),
        host('b').instance('1'),
      ],
      passes: ['b'],
      rejects: { a: 'allowed are fewer than 1' },
    },
    'not a number: the configured limit': {
      hosts: [host('a').instance('1').aggregate({ max_instances_per_host: 'x' })],
      settings: settings({ max_instances_per_host: 1 }),
      passes: [],
    },
  });
});
