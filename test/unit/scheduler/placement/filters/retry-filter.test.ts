import { describe } from 'vitest';
import { RetryFilter } from '../../../../../services/scheduler/placement/filters/retry-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';
import { hostName } from '../../../../../shared/domain/ids.ts';

describe('RetryFilter', () => {
  checkFilter(RetryFilter, {
    'without tries all pass': { hosts: [host('a')], passes: ['a'] },
    'hosts that were tried are out': {
      hosts: [host('a'), host('b'), host('c')],
      request: request().with({ tried_hosts: [hostName('c'), hostName('a'), hostName('gone')] }),
      passes: ['b'],
      rejects: { a: 'tried for this request already' },
    },
  });
});
