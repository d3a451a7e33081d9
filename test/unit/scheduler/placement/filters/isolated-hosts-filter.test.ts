import { describe } from 'vitest';
import { IsolatedHostsFilter } from '../../../../../services/scheduler/placement/filters/isolated-hosts-filter.ts';
import { host, request, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('IsolatedHostsFilter', () => {
  checkFilter(IsolatedHostsFilter, {
    'an ordinary image keeps off isolated hosts': {
      hosts: [host('iso'), host('b')],
      settings: settings({ isolated_hosts: ['iso'], isolated_images: ['img'] }),
      passes: ['b'],
      rejects: { iso: 'is kept for isolated images' },
    },
    'also when no image is isolated': {
      hosts: [host('iso'), host('b')],
      settings: settings({ isolated_hosts: ['iso'] }),
      passes: ['b'],
    },
    'an isolated image runs there only': {
      hosts: [host('iso'), host('b')],
      request: request().with({ image_id: 'img' }),
      settings: settings({ isolated_hosts: ['iso'], isolated_images: ['img'] }),
      passes: ['iso'],
      rejects: { b: 'is not among the hosts' },
    },
    'unrestricted, ordinary images run anywhere': {
      hosts: [host('iso'), host('b')],
      settings: settings({
        isolated_hosts: ['iso'],
        isolated_images: ['img'],
        restrict_isolated_hosts_to_isolated_images: false,
      }),
      passes: ['iso', 'b'],
    },
    'unrestricted, isolated images still do not': {
      hosts: [host('iso'), host('b')],
      request: request().with({ image_id: 'img' }),
      settings: settings({
        isolated_hosts: ['iso'],
        isolated_images: ['img'],
        restrict_isolated_hosts_to_isolated_images: false,
      }),
      passes: ['iso'],
    },
  });
});
