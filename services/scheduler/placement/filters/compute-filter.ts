import { ServiceState } from '../columns.ts';
import { disabledReasons } from './disabled-reasons.ts';
import type { Filter } from './filter.ts';

const down = { code: 'down', message: 'its agent does not report' };

/** The host's compute service is enabled and up. */
export const ComputeFilter: Filter = {
  name: 'ComputeFilter',
  prepare: () => ({
    reads: 'columns',
    bind: (columns) => {
      const state = columns.number('service_state');
      const { disabled_reason } = columns;
      const disabled = disabledReasons(columns);
      return {
        reasons: [down, ...disabled],
        screens: [{ column: state, at_least: ServiceState.ready }],
        reason: (row) => {
          if (state[row] === ServiceState.ready) return -1;
          return state[row] === ServiceState.disabled ? 1 + (disabled_reason[row] ?? 0) : 0;
        },
        available: () => undefined,
      };
    },
  }),
};
