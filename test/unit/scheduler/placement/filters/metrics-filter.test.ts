import { describe } from 'vitest';
import { MetricsFilter } from '../../../../../services/scheduler/placement/filters/metrics-filter.ts';
import { host, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const metrics = {
  weight_multiplier: 1,
  weight_setting: ['cpu.percent=-1.0', 'load = 2'],
  required: true,
  weight_of_unavailable: -10_000,
};

describe('MetricsFilter', () => {
  checkFilter(MetricsFilter, {
    'without a setting all pass': { hosts: [host('a')], passes: ['a'] },
    'every metric must be reported': {
      hosts: [
        host('a').with({ metrics: { 'cpu.percent': 0, load: 1 } }),
        host('b').with({ metrics: { load: 1 } }),
      ],
      settings: settings({}, { metrics }),
      passes: ['a'],
      rejects: { b: 'does not report the metric cpu.percent' },
    },
  });
});
