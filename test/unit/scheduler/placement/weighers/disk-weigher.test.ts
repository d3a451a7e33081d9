import { describe } from 'vitest';
import { DiskWeigher } from '../../../../../services/scheduler/placement/weighers/disk-weigher.ts';
import { host } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('DiskWeigher', () => {
  checkWeigher(DiskWeigher, {
    'what is not claimed': {
      hosts: [host('a').disk({ used: 500 }), host('b')],
      raw: [512_000, 1_024_000],
      weights: [0.5, 1],
    },
    'never more than the file system has': {
      hosts: [host('a').with({ disk_available_bytes: 250 * 1024 ** 3 + 5 }), host('b')],
      raw: [256_000, 1_024_000],
      weights: [0.25, 1],
    },
    'the file system may have more than is unclaimed': {
      hosts: [
        host('a')
          .disk({ used: 500 })
          .with({ disk_available_bytes: 900 * 1024 ** 3 }),
        host('b'),
      ],
      raw: [512_000, 1_024_000],
      weights: [0.5, 1],
    },
    'aggregate override': {
      hosts: [host('a').aggregate({ disk_weight_multiplier: '-1' }), host('b')],
      weights: [-1, 1],
    },
  });
});
