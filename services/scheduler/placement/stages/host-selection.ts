import type { HostName } from '../../../../shared/domain/ids.ts';
import type { ColumnReason, Filter } from '../filters/filter.ts';

const reasons: readonly ColumnReason[] = [
  { code: 'ignored', message: 'left out by the request: the server is there, or the host refused it' },
  { code: 'not_requested', message: 'another host was asked for' },
];
const ignored = 0;
const notRequested = 1;

/**
 * The hosts that the request names: `ignore_hosts` are left out, a requested or forced host leaves out every other
 * (facts document, section 6.1, step 4). Names to be left out match without regard to case, as in Nova.
 */
export const hostSelection: Filter = {
  name: 'HostSelection',
  prepare: ({ request }) => {
    const wanted: HostName | null = request.forced_host ?? request.requested_host;
    if (wanted === null && request.ignore_hosts.length === 0) return null;
    return {
      reads: 'columns',
      bind: (columns) => {
        const left_out = new Set<number>();
        for (const name of request.ignore_hosts) {
          const row = columns.rowOfAnyCase(name);
          if (row !== undefined) left_out.add(row);
        }
        const wanted_row = wanted === null ? null : (columns.rowOf(wanted) ?? -1);
        return {
          reasons,
          ...(wanted_row === null ? { only_rows: [...left_out] } : {}),
          reason: (row) => {
            if (wanted_row !== null && row !== wanted_row) return notRequested;
            return left_out.has(row) ? ignored : -1;
          },
          available: () => undefined,
        };
      },
    };
  },
};
