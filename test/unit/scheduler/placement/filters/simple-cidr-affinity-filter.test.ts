import { describe } from 'vitest';
import { SimpleCIDRAffinityFilter } from '../../../../../services/scheduler/placement/filters/simple-cidr-affinity-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('SimpleCIDRAffinityFilter', () => {
  checkFilter(SimpleCIDRAffinityFilter, {
    'without the hint all pass': { hosts: [host('a')], passes: ['a'] },
    'a /24 by default': {
      hosts: [host('a').with({ address: '192.0.2.200' }), host('b').with({ address: '192.0.3.1' })],
      request: request().hint('build_near_host_ip', '192.0.2.7'),
      passes: ['a'],
      rejects: { b: '192.0.3.1 is not in 192.0.2.7/24' },
    },
    'the prefix of the hint cidr': {
      hosts: [host('a').with({ address: '192.0.2.200' }), host('b').with({ address: '192.0.3.1' })],
      request: request().hint('build_near_host_ip', '192.0.2.7').hint('cidr', '/16'),
      passes: ['a', 'b'],
    },
    IPv6: {
      hosts: [host('a').with({ address: '2001:db8::5' }), host('b').with({ address: '2001:db9::5' })],
      request: request().hint('build_near_host_ip', '2001:db8::1').hint('cidr', '/32'),
      passes: ['a'],
    },
    'no host is near what is not an address': {
      hosts: [host('a')],
      request: request().hint('build_near_host_ip', 'here'),
      passes: [],
    },
  });
});
