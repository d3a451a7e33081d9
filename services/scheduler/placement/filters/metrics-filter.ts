import { metricsSetting } from '../metrics-setting.ts';
import { pass, reject, type Filter } from './filter.ts';

/** The host reports every metric that `[metrics] weight_setting` names. */
export const MetricsFilter: Filter = {
  name: 'MetricsFilter',
  prepare: ({ settings }) => {
    const wanted = metricsSetting(settings.metrics.weight_setting).map(({ name }) => name);
    if (wanted.length === 0) return null;
    return {
      reads: 'host',
      check: (host) => {
        const missing = wanted.find((name) => host.metrics[name] === undefined);
        return missing === undefined
          ? pass
          : reject('metric_missing', 'does not report the metric {asked}', { asked: missing });
      },
    };
  },
};
