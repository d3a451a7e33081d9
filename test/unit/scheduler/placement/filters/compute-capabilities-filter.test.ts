import { describe } from 'vitest';
import { ComputeCapabilitiesFilter } from '../../../../../services/scheduler/placement/filters/compute-capabilities-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('ComputeCapabilitiesFilter', () => {
  checkFilter(ComputeCapabilitiesFilter, {
    'passes all when the flavor asks nothing': { hosts: [host('a')], passes: ['a'] },
    'compares with a capability': {
      hosts: [host('a').with({ hypervisor_type: 'QEMU' }), host('b').with({ hypervisor_type: 'ironic' })],
      request: request().spec('capabilities:hypervisor_type', 's== QEMU'),
      passes: ['a'],
      rejects: { b: 'has ironic where capabilities:hypervisor_type asks for s== QEMU' },
    },
    'walks into cpu_info': {
      hosts: [
        host('a').with({ cpu_info: { topology: { cores: 8 } } }),
        host('b').with({ cpu_info: { topology: { cores: 4 } } }),
      ],
      request: request().spec('capabilities:cpu_info:topology:cores', '>= 8'),
      passes: ['a'],
    },
    'looks for all words in a list': {
      hosts: [
        host('a').with({ cpu_info: { features: ['aes', 'mmx', 'sse'] } }),
        host('b').with({ cpu_info: { features: ['aes'] } }),
      ],
      request: request().spec('capabilities:cpu_info:features', '<all-in> aes mmx'),
      passes: ['a'],
    },
    'rejects a capability that the host does not report': {
      hosts: [host('a')],
      request: request().spec('capabilities:gpu', 'yes'),
      passes: [],
      rejects: { a: 'reports no gpu' },
    },
    'treats a bare key that names an attribute as a capability': {
      hosts: [host('a').memory({ used: 60_000 }), host('b')],
      request: request().spec('free_ram_mb', '>= 8192'),
      passes: ['b'],
      rejects: { a: 'has 5536' },
    },
    'ignores bare keys and other namespaces': {
      hosts: [host('a')],
      request: request().spec('ssd', 'true').spec('hw:cpu_policy', 'dedicated'),
      passes: ['a'],
    },
    'reads numbers of the host, not of its class': {
      hosts: [host('a').instance('1'), host('b')],
      request: request().spec('capabilities:num_instances', '== 0'),
      passes: ['b'],
    },
  });
});
