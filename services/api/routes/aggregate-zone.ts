import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { pythonNotation } from '../http/python-notation.ts';
import { haveServers, lockHosts, otherZones } from '../queries/aggregate-hosts.ts';
import type { AggregateRow } from '../queries/aggregates.ts';

/**
 * The rules about zones, which are Nova's: a zone has a name, a host is in one zone only, and an aggregate's zone does
 * not change under servers (they were placed by it). The reason is told in the words of what was tried.
 * @throws DroverError with the given code
 */
export async function checkZone(
  transaction: Queryable,
  aggregate: AggregateRow,
  zone: string | null,
  refusal: 'aggregate_update_refused' | 'aggregate_metadata_refused',
): Promise<void> {
  const refuse = (reason: string) => new DroverError(refusal, { aggregate: aggregate.id, reason });
  if (zone === null || zone === '')
    throw refuse(`Aggregate ${aggregate.name} does not support empty named availability zone`);
  await lockHosts(transaction, aggregate.hosts);
  const conflict = await zoneConflict(transaction, aggregate, aggregate.hosts, zone);
  if (conflict !== null) throw refuse(conflict);
  const is_same = aggregate.metadata['availability_zone'] === zone;
  if (!is_same && (await haveServers(transaction, aggregate.hosts)))
    throw refuse('One or more hosts contain instances in this zone');
}

/** Why these hosts cannot be in this zone, or null. The hosts are locked by the caller. */
export async function zoneConflict(
  transaction: Queryable,
  aggregate: AggregateRow,
  hosts: readonly string[],
  zone: string,
): Promise<string | null> {
  const others = await otherZones(transaction, hosts, {
    aggregate_id: aggregate.id,
    availability_zone: zone,
  });
  return others.length === 0
    ? null
    : `One or more hosts already in availability zone(s) ${pythonNotation(others)}`;
}
