import { describe } from 'vitest';
import { AvailabilityZoneFilter } from '../../../../../services/scheduler/placement/filters/availability-zone-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AvailabilityZoneFilter', () => {
  checkFilter(AvailabilityZoneFilter, {
    'without a zone all pass': { hosts: [host('a').zone('x')], passes: ['a'] },
    'only the zone asked for': {
      hosts: [host('a').zone('x'), host('b')],
      request: request().with({ availability_zone: 'x' }),
      passes: ['a'],
      rejects: { b: 'is in availability zone nova, asked for x' },
    },
    'the default zone is a zone': {
      hosts: [host('a').zone('x'), host('b')],
      request: request().with({ availability_zone: 'nova' }),
      passes: ['b'],
    },
  });
});
