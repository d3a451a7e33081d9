import type { Counter, Histogram } from 'prom-client';
import { MetricSet } from '../../shared/metrics/metric-set.ts';

const MESSAGE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** What one scheduler counts itself; what the cluster is at stands in its rows, and the api shows it. */
export interface SchedulerMetrics {
  readonly set: MetricSet;
  readonly messages: Histogram<'type'>;
  readonly turns: Counter;
}

export function schedulerMetrics(): SchedulerMetrics {
  const set = new MetricSet();
  return {
    set,
    messages: set.histogram(
      'drover_scheduler_message_seconds',
      'Messages handled by this scheduler, by type, from their arrival to the commit of all that follows.',
      MESSAGE_BUCKETS,
      ['type'],
    ),
    turns: set.counter(
      'drover_scheduler_turns_offered_total',
      'Waiting copies that this scheduler told to look whether their turn has come.',
    ),
  };
}
