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
    'says what the operator said': {
      hosts: [host('off').disabled('disks are exchanged'), host('empty').disabled('')],
      passes: [],
      rejects: { off: 'disabled: "disks are exchanged"', empty: 'disabled' },
    },
    'calls a host that is both disabled': {
      hosts: [host('both').down().disabled()],
      passes: [],
      rejects: { both: 'disabled' },
    },
  });
});
