import type { Filter } from './filter.ts';

/**
 * Policy affinity: only hosts that hold a member, if any does. On a move the server itself counts as a member, as in
 * Nova; since its own host is left out, a lone member cannot move away, and the sentence says so.
 */
export const ServerGroupAffinityFilter: Filter = {
  name: 'ServerGroupAffinityFilter',
  prepare: ({ request }) => {
    const group = request.server_group;
    if (group === null || group.policy !== 'affinity') return null;
    const homes = new Set([...group.members.values()].flat());
    if (homes.size === 0) return null;
    const asked = [...homes].toSorted().slice(0, 3).join(', ') + (homes.size > 3 ? ', …' : '');
    return {
      reads: 'columns',
      bind: (columns) => {
        const rows = new Set<number | undefined>([...homes].map((host) => columns.rowOf(host)));
        return {
          reasons: [
            {
              code: 'not_with_group',
              message: 'holds no member of the affinity group, whose members must stay together on {asked}',
              asked,
            },
          ],
          reason: (row) => (rows.has(row) ? -1 : 0),
          available: () => undefined,
        };
      },
    };
  },
};
