import type { HostName } from '../../../shared/domain/ids.ts';
import { hostWith } from '../placement/consume.ts';
import type { ClaimDetails, HostState, PlacementRequest } from '../placement/model.ts';

/** A choice that is not yet a claim that can be read. */
export interface Reservation {
  readonly host: HostName;
  readonly request: PlacementRequest;
  readonly details: ClaimDetails | null;
}

/** The choices under way in this process. */
export class Reservations {
  readonly #by_host = new Map<HostName, Set<Reservation>>();

  add(host: HostName, request: PlacementRequest, details: ClaimDetails | null): Reservation {
    const reservation: Reservation = { host, request, details };
    const of_host = this.#by_host.get(host) ?? new Set();
    this.#by_host.set(host, of_host.add(reservation));
    return reservation;
  }

  /** @returns false when it was ended before. */
  remove(reservation: Reservation): boolean {
    const of_host = this.#by_host.get(reservation.host);
    const was_there = of_host?.delete(reservation) ?? false;
    if (of_host?.size === 0) this.#by_host.delete(reservation.host);
    return was_there;
  }

  /** The request with its group as it is after the choices under way: a member that moves is at both its hosts. */
  withMembers(request: PlacementRequest): PlacementRequest {
    const group = request.server_group;
    if (group === null) return request;
    const members = new Map(group.members);
    for (const reservation of [...this.#by_host.values()].flatMap((of_host) => [...of_host])) {
      if (reservation.request.server_group?.id !== group.id) continue;
      const { instance_id } = reservation.request;
      members.set(instance_id, [...(members.get(instance_id) ?? []), reservation.host]);
    }
    return { ...request, server_group: { ...group, members } };
  }

  /** The host as it was read, with what is under way on it. */
  countedIn(state: HostState): HostState {
    let counted = state;
    for (const { request, details } of this.#by_host.get(state.name) ?? [])
      counted = hostWith(counted, request, details);
    return counted;
  }
}
