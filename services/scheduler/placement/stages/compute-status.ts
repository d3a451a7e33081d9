import { ServiceState } from '../columns.ts';
import { disabledReasons } from '../filters/disabled-reasons.ts';
import type { Filter } from '../filters/filter.ts';

/**
 * Nova's pre-filter `compute_status_filter`: disabled hosts never become candidates, whatever filters are
 * enabled. Left out when ComputeFilter runs, which says the same under the name that operators know.
 */
export const computeStatus: Filter = {
  name: 'ComputeStatus',
  prepare: () => ({
    reads: 'columns',
    bind: (columns) => {
      const state = columns.number('service_state');
      const { disabled_reason } = columns;
      return {
        reasons: disabledReasons(columns),
        reason: (row) => (state[row] === ServiceState.disabled ? (disabled_reason[row] ?? 0) : -1),
        available: () => undefined,
      };
    },
  }),
};
