import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import type { ResourceClass } from '../../../shared/domain/resources.ts';
import type {
  ClaimDetails,
  HostState,
  PlacedInstance,
  PlacementRequest,
  ResourceInventory,
  Snapshot,
} from './model.ts';
import { advance } from './snapshot.ts';

/**
 * The snapshot after this request has been given its place, so that the next decision counts it before the claim's
 * event arrives: amounts, named cpus and devices, one instance and one disk-heavy operation more (as Nova's
 * `consume_from_request`).
 */
export function consume(
  snapshot: Snapshot,
  host: HostName,
  request: PlacementRequest,
  details: ClaimDetails | null = null,
): Snapshot {
  const state = snapshot.host_by_name.get(host);
  return state === undefined ? snapshot : advance(snapshot, { changed: [hostWith(state, request, details)] });
}

/** The host with one more server. */
export function hostWith(
  host: HostState,
  request: PlacementRequest,
  details: ClaimDetails | null,
): HostState {
  const inventories: Partial<Record<ResourceClass, ResourceInventory>> = { ...host.inventories };
  for (const [name, asked] of Object.entries(request.resources) as Array<[ResourceClass, number]>) {
    const inventory = inventories[name];
    if (inventory !== undefined) inventories[name] = { ...inventory, used: inventory.used + asked };
  }
  const instances = new Map<InstanceId, PlacedInstance>(host.instances);
  const { instance_id, project_id, image_properties } = request;
  instances.set(instance_id, { id: instance_id, project_id, image_properties });
  return {
    ...host,
    inventories,
    instances,
    io_operations: host.io_operations + 1,
    ...(details === null ? {} : { claim_details: [...(host.claim_details ?? []), details] }),
  };
}
