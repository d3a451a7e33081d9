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
  /** Each member with every host where it has a claim or lives: one that moves counts on both. */
  readonly hosts_of: Map<InstanceId, Set<HostName>>;
}

interface GroupRow {
  readonly uuid: string;
  readonly policy: GroupMembers['policy'];
  readonly max_server_per_host: number | null;
}
interface MemberRow {
  readonly group_uuid: string;
  readonly instance_id: InstanceId;
  readonly hosts: readonly HostName[];
}

/**
 * Locks groups until the transaction ends, in one order, and reads their members. A group that is not there any more
 * has no entry.
 */
export async function lockGroups(
  transaction: Queryable,
  group_uuids: readonly string[],
): Promise<ReadonlyMap<string, GroupMembers>> {
  if (group_uuids.length === 0) return new Map();
  const uuids = [...new Set(group_uuids)];
  // Two statements: the second must see what those committed that the first had to wait for.
  const [groups, members] = await Promise.all([
    transaction.query<GroupRow>(prepared(lockSql, [uuids])),
    transaction.query<MemberRow>(prepared(membersSql, [uuids])),
  ]);
  return new Map(
    groups.rows.map(({ uuid, policy, max_server_per_host }) => [
      uuid,
      {
        policy,
        max_server_per_host: max_server_per_host ?? 1,
        hosts_of: new Map(
          members.rows
            .filter(({ group_uuid }) => group_uuid === uuid)
            .map(({ instance_id, hosts }) => [instance_id, new Set(hosts)]),
        ),
      },
    ]),
  );
}

const lockSql = `
  select uuid, policy, max_server_per_host from server_groups where uuid = any($1::uuid[]) order by uuid for update`;

const membersSql = `
  select i.server_group_uuid as group_uuid, i.uuid as instance_id,
         array(select h.name from claims c join hosts h on h.id = c.host_id where c.instance_uuid = i.uuid
               union select i.host where i.host is not null) as hosts
  from instances i
  where i.server_group_uuid = any($1::uuid[]) and i.deleted_at is null`;

/** @returns why the member may not be placed on `host`, or null. Soft policies never refuse: they are weighed. */
export function groupRefusal(group: GroupMembers, member: InstanceId, host: HostName): Refusal | null {
  const others = [...group.hosts_of].filter(([other]) => other !== member).map(([, hosts]) => hosts);
  switch (group.policy) {
    case 'anti-affinity': {
      const present = others.filter((hosts) => hosts.has(host)).length;
      if (present < group.max_server_per_host) return null;
      return {
        check: 'anti_affinity',
        message: `holds ${present} of its anti-affinity group already, at most ${group.max_server_per_host} may share a host`,
      };
    }
    case 'affinity': {
      const hosts = new Set(others.flatMap((each) => [...each]));
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
