import { describe } from 'vitest';
import { MetricsWeigher } from '../../../../../services/scheduler/placement/weighers/metrics-weigher.ts';
import { host, settings } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

const metrics = {
  weight_multiplier: 1,
  weight_setting: ['cpu.percent=-1.0', 'load = 2'],
  required: true,
  weight_of_unavailable: -10_000,
};

describe('MetricsWeigher', () => {
  checkWeigher(MetricsWeigher, {
    'without a setting: no preference': { hosts: [host('a'), host('b')], weights: [0, 0] },
    'ratios times metrics': {
      hosts: [
        host('a').with({ metrics: { 'cpu.percent': 50, load: 10 } }),
        host('b').with({ metrics: { 'cpu.percent': 10, load: 5 } }),
      ],
      settings: settings({}, { metrics }),
      raw: [-30, 0],
      weights: [0, 1],
    },
    'a host that lacks one comes last': {
      hosts: [
        host('a').with({ metrics: { load: 5 } }),
        host('b').with({ metrics: { 'cpu.percent': 10, load: 5 } }),
      ],
      settings: settings({}, { metrics: { ...metrics, required: false } }),
      raw: [-10_000, 0],
      weights: [0, 1],
      warnings: [],
    },
    'a required one that is missing is warned about': {
      hosts: [host('a'), host('b').with({ metrics: { 'cpu.percent': 10, load: 5 } })],
      settings: settings({}, { metrics }),
      weights: [0, 1],
      warnings: ['do not report the required metric cpu.percent'],
    },
    'aggregate override': {
      hosts: [
        host('a')
          .with({ metrics: { 'cpu.percent': 0, load: 0 } })
          .aggregate({ metrics_weight_multiplier: '5' }),
        host('b').with({ metrics: { 'cpu.percent': 10, load: 0 } }),
      ],
      settings: settings({}, { metrics }),
      weights: [5, 0],
    },
  });
});
