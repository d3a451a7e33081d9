import { describe, expect, it } from 'vitest';
import { allowedCount, type QuotaState } from '../../../services/api/queries/quota-usage.ts';

const quota = (
  used: Partial<QuotaState['used']> = {},
  limits: Partial<QuotaState['limits']> = {},
): QuotaState => ({
  used: { instances: 0, cores: 0, ram: 0, ...used },
  limits: { instances: 10, cores: 20, ram: 51_200, ...limits },
});
const nano = { vcpus: 1, memory_mb: 64 };

describe('how many servers a quota allows', () => {
  it.each([
    ['what was asked for', quota(), 3, 3, 3],
    ['as many as there is room for', quota({ instances: 8 }), 1, 5, 2],
    ['any number without limits', quota({}, { instances: -1, cores: -1, ram: -1 }), 40, 40, 40],
    ['exactly the last one', quota({ instances: 9, cores: 19, ram: 51_136 }), 1, 1, 1],
  ])('%s', (_name, state, min_count, max_count, allowed) => {
    expect(allowedCount(state, nano, { min_count, max_count })).toBe(allowed);
  });

  it.each([
    [
      quota(),
      50,
      50,
      'Quota exceeded for cores, instances: Requested 50, 50, but already used 0, 0 of 20, 10 cores, instances',
    ],
    [
      quota({ instances: 10 }),
      1,
      1,
      'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances',
    ],
    [
      quota({ instances: 9 }),
      2,
      4,
      'Quota exceeded for instances: Requested 2-4, but already used 9 of 10 instances',
    ],
    [
      quota({ ram: 51_200 }),
      1,
      1,
      'Quota exceeded for ram: Requested 64, but already used 51200 of 51200 ram',
    ],
  ])('refuses what does not fit (%#)', (state, min_count, max_count, text) => {
    expect(() => allowedCount(state, nano, { min_count, max_count })).toThrow(text);
  });
});
