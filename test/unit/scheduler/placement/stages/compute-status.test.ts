import { describe } from 'vitest';
import { computeStatus } from '../../../../../services/scheduler/placement/stages/compute-status.ts';
import { host } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('computeStatus', () => {
  checkFilter(
    computeStatus,
    {
      'disabled hosts are no candidates, hosts that are down are': {
        hosts: [host('a'), host('off').disabled(), host('down').down()],
        passes: ['a', 'down'],
        rejects: { off: 'disabled' },
      },
    },
    false,
  );
});
