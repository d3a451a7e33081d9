import { describe } from 'vitest';
import { ServerGroupAffinityFilter } from '../../../../../services/scheduler/placement/filters/server-group-affinity-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('ServerGroupAffinityFilter', () => {
  checkFilter(ServerGroupAffinityFilter, {
    'without a group all pass': { hosts: [host('a')], passes: ['a'] },
    'a group without hosts is free': {
      hosts: [host('a')],
      request: request().group('affinity', { me: [] }),
      passes: ['a'],
    },
    'only hosts of members': {
      hosts: [host('a'), host('b')],
      request: request().group('affinity', { other: ['b'] }),
      passes: ['b'],
      rejects: { a: 'whose members must stay together on b' },
    },
    'a lone member cannot leave': {
      hosts: [host('a'), host('b')],
      request: request().group('affinity', { me: ['a'] }),
      passes: ['a'],
      rejects: { b: 'affinity group' },
    },
    'another policy is not its matter': {
      hosts: [host('a')],
      request: request().group('soft-affinity', { other: ['b'] }),
      passes: ['a'],
    },
  });
});
