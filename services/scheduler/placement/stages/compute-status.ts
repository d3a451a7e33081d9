import { ServiceState } from '../columns.ts';
import type { Filter } from '../filters/filter.ts';

const reasons = [{ code: 'disabled', message: 'disabled' }];

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
      return {
        reasons,
        reason: (row) => (state[row] === ServiceState.disabled ? 0 : -1),
        available: () => undefined,
      };
    },
  }),
};
