import { groupMembers } from './group-members.ts';
import type { Weigher } from './weigher.ts';

/** Fewer members of the server's soft-anti-affinity group on the host are better. */
export const ServerGroupSoftAntiAffinityWeigher: Weigher = {
  name: 'ServerGroupSoftAntiAffinityWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.soft_anti_affinity_weight_multiplier,
  aggregate_key: 'soft_anti_affinity_weight_multiplier',
  prepare: ({ request }) => groupMembers(request, 'soft-anti-affinity', -1),
};
