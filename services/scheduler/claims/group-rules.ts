import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { prepared } from '../drive/statement.ts';
import type { Refusal } from './capacity.ts';

/**
 * The rules of hard server groups, checked again when the claim is made (facts document, section 6.4). Two decisions
 * of one group may both have seen an empty host; the lock on the group's row lets them claim one after the other.
 */
export interface GroupMembers {
  readonly policy: 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity';
  readonly max_server_per_host: number;
  /** Other members, each with every host where it has a claim or lives: one that moves counts on both. */
  readonly others: ReadonlyArray<{ readonly instance_id: InstanceId; readonly hosts: readonly HostName[] }>;
}

/** Locks the group until the transaction ends and reads its members. Null: there is no such group any more. */
export async function lockGroup(
  transaction: Queryable,
  group_uuid: string,
  instance_id: InstanceId,
): Promise<GroupMembers | null> {
  // Two statements: the second must see what those committed that the first had to wait for.
  const locking = transaction.query<{ policy: GroupMembers['policy']; max_server_per_host: number | null }>(
    prepared('select policy, max_server_per_host from server_groups where uuid = $1 for update', [
      group_uuid,
    ]),
  );
  const reading = transaction.query<{ instance_id: InstanceId; hosts: HostName[] }>(
    prepared(
      `select i.uuid as instance_id,
              array(select h.name from claims c join hosts h on h.id = c.host_id where c.instance_uuid = i.uuid
                    union select i.host where i.host is not null) as hosts
       from instances i
       where i.server_group_uuid = $1 and i.uuid <> $2 and i.deleted_at is null`,
      [group_uuid, instance_id],
    ),
  );
  reading.catch(() => undefined);
  const group = (await locking).rows[0];
  const others = (await reading).rows;
  if (group === undefined) return null;
  return { policy: group.policy, max_server_per_host: group.max_server_per_host ?? 1, others };
}

/** @returns why a member may not be placed on `host`, or null. Soft policies never refuse: they are weighed. */
export function groupRefusal(group: GroupMembers, host: HostName): Refusal | null {
  switch (group.policy) {
    case 'anti-affinity': {
      const present = group.others.filter((member) => member.hosts.includes(host)).length;
      if (present < group.max_server_per_host) return null;
      return {
        check: 'anti_affinity',
        message: `holds ${present} of its anti-affinity group already, at most ${group.max_server_per_host} may share a host`,
      };
    }
    case 'affinity': {
      const hosts = new Set(group.others.flatMap((member) => member.hosts));
      if (hosts.size === 0 || hosts.has(host)) return null;
      return {
        check: 'affinity',
        message: `is not where its affinity group is (${[...hosts].sort().join(', ')})`,
      };
    }
    case 'soft-affinity':
    case 'soft-anti-affinity':
      return null;
    default:
      return group.policy satisfies never;
  }
}
