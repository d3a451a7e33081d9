import { metricsSetting } from '../metrics-setting.ts';
import type { Weigher } from './weigher.ts';

/**
 * The sum of ratio × metric over `[metrics] weight_setting`. A host that lacks one of them gets `weight_of_unavailable`.
 * With `required` Nova fails the whole request then; we put the host last and warn, since MetricsFilter is the way to
 * keep such hosts out.
 */
export const MetricsWeigher: Weigher = {
  name: 'MetricsWeigher',
  multiplier: ({ metrics }) => metrics.weight_multiplier,
  aggregate_key: 'metrics_weight_multiplier',
  prepare: ({ settings: { metrics }, warn }) => {
    const setting = metricsSetting(metrics.weight_setting);
    if (setting.length === 0) return null;
    return {
      reads: 'host',
      raw: (host) => {
        let sum = 0;
        for (const { name, ratio } of setting) {
          const value = host.metrics[name];
          if (value !== undefined) {
            sum += ratio * value;
          } else if (metrics.required || ratio !== 0) {
            if (metrics.required)
              warn(`MetricsWeigher: some hosts do not report the required metric ${name}`);
            return metrics.weight_of_unavailable;
          }
        }
        return sum;
      },
    };
  },
};
