import { describe } from 'vitest';
import { ComputeFilter } from '../../../../../services/scheduler/placement/filters/compute-filter.ts';
import { host } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('ComputeFilter', () => {
  checkFilter(ComputeFilter, {
    'keeps out hosts that are down or disabled': {
      hosts: [host('ok'), host('down').down(), host('off').disabled()],
      passes: ['ok'],
      rejects: { down: 'its agent does not report', off: 'disabled' },
    },
    'calls a host that is both disabled': {
      hosts: [host('both').down().disabled()],
      passes: [],
      rejects: { both: 'disabled' },
    },
  });
});
