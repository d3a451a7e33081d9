import { HostStatus } from '../columns.ts';
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
    bind: ({ status }) => ({
      reasons,
      reason: (row) => {
        const now = status[row];
        if (now === HostStatus.ready) return -1;
        return now === HostStatus.disabled ? 0 : 1;
      },
      available: () => undefined,
    }),
  }),
};
