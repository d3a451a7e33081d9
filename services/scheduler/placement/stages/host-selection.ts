import type { HostName } from '../../../../shared/domain/ids.ts';
import type { ColumnReason, Filter } from '../filters/filter.ts';

const reasons: readonly ColumnReason[] = [
  { code: 'source', message: 'left out: the server is there' },
  { code: 'tried', message: 'left out: tried before, or to be ignored' },
  { code: 'not_requested', message: 'another host was asked for' },
];
const source = 0;
const tried = 1;
const notRequested = 2;

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
        const tried_rows = new Set((request.tried_hosts ?? []).map((name) => columns.rowOfAnyCase(name)));
        const left_out = new Map<number, number>();
        for (const name of request.ignore_hosts) {
          const row = columns.rowOfAnyCase(name);
          if (row !== undefined) left_out.set(row, tried_rows.has(row) ? tried : source);
        }
        const wanted_row = wanted === null ? null : (columns.rowOf(wanted) ?? -1);
        return {
          reasons,
          ...(wanted_row === null ? { only_rows: [...left_out.keys()] } : {}),
          reason: (row) => {
            if (wanted_row !== null && row !== wanted_row) return notRequested;
            return left_out.get(row) ?? -1;
          },
          available: () => undefined,
        };
      },
    };
  },
};
