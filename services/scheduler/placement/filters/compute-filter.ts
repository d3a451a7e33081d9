import { ServiceState } from '../columns.ts';
import type { Filter } from './filter.ts';

const reasons = [
  { code: 'disabled', message: 'disabled' },
  { code: 'down', message: 'its agent does not report' },
];

/** The host's compute service is enabled and up. */
export const ComputeFilter: Filter = {
  name: 'ComputeFilter',
  prepare: () => ({
    reads: 'columns',
    bind: (columns) => {
      const state = columns.number('service_state');
      return {
        reasons,
        screens: [{ column: state, at_least: ServiceState.ready }],
        reason: (row) => {
          if (state[row] === ServiceState.ready) return -1;
          return state[row] === ServiceState.disabled ? 0 : 1;
        },
        available: () => undefined,
      };
    },
  }),
};
