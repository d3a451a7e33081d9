import { describe } from 'vitest';
import { RamFilter } from '../../../../../services/scheduler/placement/filters/ram-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const small = request().flavor({ vcpus: 10, memory_mb: 10, root_gb: 10 });

describe('RamFilter', () => {
  checkFilter(RamFilter, {
    'enough free, and just not enough': {
      hosts: [host('a').memory({ total: 100, used: 90 }), host('b').memory({ total: 100, used: 91 })],
      request: small,
      passes: ['a'],
      rejects: { b: 'short of 1 MB' },
    },
    'the ratio widens the limit': {
      hosts: [
        host('a').memory({ total: 100, used: 150, allocation_ratio: 2 }),
        host('b').memory({ total: 100, used: 150 }),
      ],
      request: small,
      passes: ['a'],
    },
    'reserved counts as used, after the ratio': {
      hosts: [host('a').memory({ total: 100, reserved: 60, used: 131, allocation_ratio: 2 })],
      request: small,
      passes: [],
    },
    'a server does not overcommit against itself': {
      hosts: [host('a').memory({ total: 9, allocation_ratio: 16 })],
      request: small,
      passes: [],
      rejects: { a: 'in all, asked for 10' },
    },
  });
});
