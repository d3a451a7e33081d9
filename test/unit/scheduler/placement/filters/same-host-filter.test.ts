import { describe } from 'vitest';
import { SameHostFilter } from '../../../../../services/scheduler/placement/filters/same-host-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('SameHostFilter', () => {
  checkFilter(SameHostFilter, {
    'without the hint all pass': { hosts: [host('a')], passes: ['a'] },
    'wants one of the servers': {
      hosts: [host('a').instance('x'), host('b').instance('y'), host('c')],
      request: request().hint('same_host', ['x', 'y']),
      passes: ['a', 'b'],
      rejects: { c: 'same_host: x, y' },
    },
    'takes a single text': {
      hosts: [host('a').instance('x'), host('b')],
      request: request().hint('same_host', 'x'),
      passes: ['a'],
    },
  });
});
