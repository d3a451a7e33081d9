import { membersByRow } from '../filters/group-members.ts';
import type { PlacementRequest, ServerGroupState } from '../model.ts';
import type { ColumnNumber } from './weigher.ts';

/** Members of the request's group per host, times `sign`; null when the group has another policy. */
export function groupMembers(
  request: PlacementRequest,
  policy: ServerGroupState['policy'],
  sign: 1 | -1,
): ColumnNumber | null {
  const group = request.server_group;
  if (group === null || group.policy !== policy) return null;
  return {
    reads: 'columns',
    values: (columns) => {
      const counts = new Float64Array(columns.length);
      for (const [row, members] of membersByRow(group, request, columns)) counts[row] = sign * members;
      return counts;
    },
  };
}
