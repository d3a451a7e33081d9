import { describe } from 'vitest';
import { CrossCellWeigher } from '../../../../../services/scheduler/placement/weighers/cross-cell-weigher.ts';
import { host } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('CrossCellWeigher', () => {
  checkWeigher(CrossCellWeigher, {
    'one cell: no preference': { hosts: [host('a'), host('b')], weights: [0, 0] },
  });
});
