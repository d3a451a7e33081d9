import type { Filter } from './filter.ts';

/** Hosts that were tried for this request already are not tried again. */
export const RetryFilter: Filter = {
  name: 'RetryFilter',
  prepare: ({ request }) => {
    const tried = request.tried_hosts ?? [];
    if (tried.length === 0) return null;
    return {
      reads: 'columns',
      bind: (columns) => {
        const rows = new Set<number | undefined>(tried.map((name) => columns.rowOf(name)));
        return {
          reasons: [{ code: 'tried', message: 'was tried for this request already' }],
          only_rows: [...rows].filter((row) => row !== undefined),
          reason: (row) => (rows.has(row) ? 0 : -1),
          available: () => undefined,
        };
      },
    };
  },
};
