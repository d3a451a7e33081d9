import { groupMembers } from './group-members.ts';
import type { Weigher } from './weigher.ts';

/** More members of the server's soft-affinity group on the host are better. */
export const ServerGroupSoftAffinityWeigher: Weigher = {
  name: 'ServerGroupSoftAffinityWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.soft_affinity_weight_multiplier,
  aggregate_key: 'soft_affinity_weight_multiplier',
  prepare: ({ request }) => groupMembers(request, 'soft-affinity', 1),
};
