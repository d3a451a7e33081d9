import { describe } from 'vitest';
import { DiskFilter } from '../../../../../services/scheduler/placement/filters/disk-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const small = request().flavor({ vcpus: 10, memory_mb: 10, root_gb: 10 });

describe('DiskFilter', () => {
  checkFilter(DiskFilter, {
    'enough free, and just not enough': {
      hosts: [host('a').disk({ total: 100, used: 90 }), host('b').disk({ total: 100, used: 91 })],
      request: small,
      passes: ['a'],
      rejects: { b: 'short of 1 GB' },
    },
    'the ratio widens the limit': {
      hosts: [
        host('a').disk({ total: 100, used: 150, allocation_ratio: 2 }),
        host('b').disk({ total: 100, used: 150 }),
      ],
      request: small,
      passes: ['a'],
    },
    'reserved counts as used, after the ratio': {
      hosts: [host('a').disk({ total: 100, reserved: 60, used: 131, allocation_ratio: 2 })],
      request: small,
      passes: [],
    },
    'a larger ratio lets one server have more than there is': {
      hosts: [host('a').disk({ total: 9, allocation_ratio: 16 })],
      request: small,
      passes: ['a'],
    },
  });
});
