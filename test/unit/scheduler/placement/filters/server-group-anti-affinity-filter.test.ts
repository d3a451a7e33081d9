import { describe } from 'vitest';
import { ServerGroupAntiAffinityFilter } from '../../../../../services/scheduler/placement/filters/server-group-anti-affinity-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('ServerGroupAntiAffinityFilter', () => {
  checkFilter(ServerGroupAntiAffinityFilter, {
    'without a group all pass': { hosts: [host('a')], passes: ['a'] },
    'another policy is not its matter': {
      hosts: [host('a')],
      request: request().group('affinity', { other: ['a'] }),
      passes: ['a'],
    },
    'keeps members apart': {
      hosts: [host('a'), host('b')],
      request: request().group('anti-affinity', { other: ['a'] }),
      passes: ['b'],
      rejects: { a: 'holds 1 of its anti-affinity group, which allows 1 per host' },
    },
    'allows max_server_per_host': {
      hosts: [host('a'), host('b')],
      request: request().group('anti-affinity', { one: ['a'], two: ['b'], three: ['b'] }, 2),
      passes: ['a'],
    },
    'counts a moving member at both its hosts': {
      hosts: [host('a'), host('b'), host('c')],
      request: request().group('anti-affinity', { moving: ['a', 'b'] }),
      passes: ['c'],
    },
    'does not count the server itself': {
      hosts: [host('a')],
      request: request().group('anti-affinity', { me: ['a'] }),
      passes: ['a'],
    },
    'passes the host that has the server already, however full': {
      hosts: [host('a')],
      request: request().group('anti-affinity', { me: ['a'], other: ['a'] }),
      passes: ['a'],
    },
  });
});
