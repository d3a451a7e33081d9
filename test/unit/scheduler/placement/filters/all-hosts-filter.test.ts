import { describe } from 'vitest';
import { AllHostsFilter } from '../../../../../services/scheduler/placement/filters/all-hosts-filter.ts';
import { host } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AllHostsFilter', () => {
  checkFilter(AllHostsFilter, {
    'passes every host, in whatever state': {
      hosts: [host('a').down(), host('b').disabled()],
      passes: ['a', 'b'],
    },
  });
});
