import type { Filter } from './filter.ts';
import { membersByRow, ownRows } from './group-members.ts';

/**
 * Policy anti-affinity: fewer than `max_server_per_host` other members on the host. The host that holds this very
 * server passes, so that it can be resized in place.
 */
export const ServerGroupAntiAffinityFilter: Filter = {
  name: 'ServerGroupAntiAffinityFilter',
  prepare: ({ request }) => {
    const group = request.server_group;
    if (group === null || group.policy !== 'anti-affinity') return null;
    const limit = group.max_server_per_host;
    return {
      reads: 'columns',
      bind: (columns) => {
        const members = membersByRow(group, request, columns);
        const own = ownRows(group, request, columns);
        return {
          reasons: [
            {
              code: 'group_full',
              message: `holds {available} of its anti-affinity group, which allows {asked} per host`,
              asked: limit,
            },
          ],
          only_rows: [...members.keys()],
          reason: (row) => ((members.get(row) ?? 0) >= limit && !own.has(row) ? 0 : -1),
          available: (row) => members.get(row) ?? 0,
        };
      },
    };
  },
};
