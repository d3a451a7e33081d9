import { describe } from 'vitest';
import { CoreFilter } from '../../../../../services/scheduler/placement/filters/core-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const small = request().flavor({ vcpus: 10, memory_mb: 10, root_gb: 10 });

describe('CoreFilter', () => {
  checkFilter(CoreFilter, {
    'enough free, and just not enough': {
      hosts: [host('a').vcpu({ total: 100, used: 90 }), host('b').vcpu({ total: 100, used: 91 })],
      request: small,
      passes: ['a'],
      rejects: { b: 'short of 1 VCPU' },
    },
    'the ratio widens the limit': {
      hosts: [
        host('a').vcpu({ total: 100, used: 150, allocation_ratio: 2 }),
        host('b').vcpu({ total: 100, used: 150 }),
      ],
      request: small,
      passes: ['a'],
    },
    'reserved counts as used, after the ratio': {
      hosts: [host('a').vcpu({ total: 100, reserved: 60, used: 131, allocation_ratio: 2 })],
      request: small,
      passes: [],
    },
    'a server does not overcommit against itself': {
      hosts: [host('a').vcpu({ total: 9, allocation_ratio: 16 })],
      request: small,
      passes: [],
      rejects: { a: 'in all, asked for 10' },
    },
  });
});
