import { describe } from 'vitest';
import { NumInstancesFilter } from '../../../../../services/scheduler/placement/filters/num-instances-filter.ts';
import { host, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('NumInstancesFilter', () => {
  checkFilter(NumInstancesFilter, {
    'fewer than the limit': {
      hosts: [host('a').instance('1'), host('b').instance('1').instance('2')],
      settings: settings({ max_instances_per_host: 2 }),
      passes: ['a'],
      rejects: { b: 'has 2 instances, allowed are fewer than 2' },
    },
  });
});
