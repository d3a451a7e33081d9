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
      const disabled = disabledReasons(columns);
      return {
        reasons: [...disabled, down],
        screens: [
          {
            column: state,
            at_least: ServiceState.ready,
            against: {
              column: state,
              below: ServiceState.disabled,
              first: { reason: disabled.length, available: null },
              otherwise: { reason: columns.disabled_reason, available: null },
            },
          },
        ],
      };
    },
  }),
};
