import { describe } from 'vitest';
import { DifferentHostFilter } from '../../../../../services/scheduler/placement/filters/different-host-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('DifferentHostFilter', () => {
  checkFilter(DifferentHostFilter, {
    'without the hint all pass': { hosts: [host('a').instance('x')], passes: ['a'] },
    'avoids one server': {
      hosts: [host('a').instance('x'), host('b').instance('y')],
      request: request().hint('different_host', 'x'),
      passes: ['b'],
      rejects: { a: 'holds server x' },
    },
    'avoids a list of servers': {
      hosts: [host('a').instance('x'), host('b').instance('y'), host('c')],
      request: request().hint('different_host', ['x', 'y']),
      passes: ['c'],
    },
    'an empty list avoids nothing': {
      hosts: [host('a').instance('x')],
      request: request().hint('different_host', []),
      passes: ['a'],
    },
  });
});
