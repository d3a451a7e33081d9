import type { Columns } from '../columns.ts';
import type { PlacementRequest, ServerGroupState } from '../model.ts';

/** Members of the group per row, without the server itself; a member that is moving counts at both its hosts. */
export function membersByRow(
  group: ServerGroupState,
  request: PlacementRequest,
  columns: Columns,
): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const [member, hosts] of group.members) {
    if (member === request.instance_id) continue;
    for (const host of hosts) {
      const row = columns.rowOf(host);
      if (row !== undefined) counts.set(row, (counts.get(row) ?? 0) + 1);
    }
  }
  return counts;
}

/** Rows of the hosts that hold the server itself. */
export function ownRows(
  group: ServerGroupState,
  request: PlacementRequest,
  columns: Columns,
): ReadonlySet<number> {
  const rows = new Set<number>();
  for (const host of group.members.get(request.instance_id) ?? []) {
    const row = columns.rowOf(host);
    if (row !== undefined) rows.add(row);
  }
  return rows;
}
