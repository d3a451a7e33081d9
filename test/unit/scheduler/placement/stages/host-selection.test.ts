import { describe } from 'vitest';
import { hostSelection } from '../../../../../services/scheduler/placement/stages/host-selection.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';
import { hostName } from '../../../../../shared/domain/ids.ts';

describe('hostSelection', () => {
  checkFilter(
    hostSelection,
    {
      'nothing asked: all pass': { hosts: [host('a')], passes: ['a'] },
      'hosts to be left out, in any case of letters': {
        hosts: [host('a'), host('Compute-B'), host('c')],
        request: request().with({ ignore_hosts: [hostName('compute-b'), hostName('a'), hostName('gone')] }),
        passes: ['c'],
        rejects: { a: 'left out: the server is there' },
      },
      'hosts that were tried already': {
        hosts: [host('a'), host('b'), host('c')],
        request: request().with({
          ignore_hosts: [hostName('a'), hostName('b')],
          tried_hosts: [hostName('b')],
        }),
        passes: ['c'],
        rejects: { a: 'left out: the server is there', b: 'left out: tried before, or to be ignored' },
      },
      'a requested host leaves out all others': {
        hosts: [host('a'), host('b')],
        request: request().with({ requested_host: hostName('b') }),
        passes: ['b'],
        rejects: { a: 'another host was asked for' },
      },
      'a requested host that is to be left out': {
        hosts: [host('a'), host('b')],
        request: request().with({ requested_host: hostName('b'), ignore_hosts: [hostName('b')] }),
        passes: [],
        rejects: { b: 'left out' },
      },
      'a requested host that does not exist': {
        hosts: [host('a')],
        request: request().with({ requested_host: hostName('z') }),
        passes: [],
      },
      'a forced host': {
        hosts: [host('a'), host('b')],
        request: request().with({ forced_host: hostName('a') }),
        passes: ['a'],
      },
    },
    false,
  );
});
