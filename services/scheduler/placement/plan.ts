import type { HostName, InstanceId, ServerGroupId } from '../../../shared/domain/ids.ts';
import { consume } from './consume.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { PlacementRequest, Snapshot } from './model.ts';
import type { PlacementSettings } from './settings.ts';
import { fork } from './snapshot.ts';

export interface PlannedRequest {
  readonly request: PlacementRequest;
  readonly seed: string;
}

export interface Plan {
  /** Beside the requests. */
  readonly decisions: readonly Decision[];
  /** The version that the plan was made against; it holds only while the cluster is at this version. */
  readonly snapshot_version: number;
  /** The cluster as it would be afterwards. */
  readonly after: Snapshot;
}

/**
 * A dry run: decides the requests in order, each on what those before left. Writes nothing, and leaves the snapshot as it
 * is. A server that moves still holds its place on the source, as it does until its migration is confirmed.
 */
export function plan(
  snapshot: Snapshot,
  requests: readonly PlannedRequest[],
  settings: PlacementSettings,
): Plan {
  let after = fork(snapshot);
  const placed = new Map<ServerGroupId, Map<InstanceId, HostName>>();
  const decisions: Decision[] = [];
  for (const { request, seed } of requests) {
    const decision = decide(after, withPlacedMembers(request, placed), settings, seed);
    decisions.push(decision);
    if (decision.chosen === null) continue;
    const chosen = decision.chosen;
    const details = decision.details.find(({ host }) => host === chosen)?.details ?? null;
    after = consume(after, chosen, request, details);
    if (request.server_group !== null) {
      const members = placed.get(request.server_group.id) ?? new Map<InstanceId, HostName>();
      placed.set(request.server_group.id, members.set(request.instance_id, chosen));
    }
  }
  return { decisions, snapshot_version: snapshot.version, after };
}

/** The request with its group as it is after the earlier ones: a member that moves is at both its hosts. */
function withPlacedMembers(
  request: PlacementRequest,
  placed: ReadonlyMap<ServerGroupId, ReadonlyMap<InstanceId, HostName>>,
): PlacementRequest {
  const group = request.server_group;
  const added = group === null ? undefined : placed.get(group.id);
  if (group === null || added === undefined) return request;
  const members = new Map<InstanceId, readonly HostName[]>(group.members);
  for (const [member, host] of added) members.set(member, [...(members.get(member) ?? []), host]);
  return { ...request, server_group: { ...group, members } };
}
