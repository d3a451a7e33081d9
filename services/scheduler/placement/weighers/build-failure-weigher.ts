import type { Weigher } from './weigher.ts';

/** Hosts on which builds fail come last. The multiplier is configured positive and used negative. */
export const BuildFailureWeigher: Weigher = {
  name: 'BuildFailureWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.build_failure_weight_multiplier,
  aggregate_key: 'build_failure_weight_multiplier',
  negated: true,
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('failed_builds') }),
};
