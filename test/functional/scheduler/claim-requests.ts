import { beforeEach } from 'vitest';
import { hostName, type InstanceId } from '../../../shared/domain/ids.ts';
import type { ClaimRequest } from '../../../services/scheduler/claims/books.ts';
import { claim } from '../../../services/scheduler/claims/claim.ts';
import { hostsOfClaims, lockHosts } from '../../../services/scheduler/claims/lock-hosts.ts';
import { transact, type Transaction } from '../../../services/scheduler/drive/transaction.ts';
import { pool, useClusterDatabase } from './cluster-database.ts';
import { addHost } from './rows.ts';

/** Three hosts with room for four servers of one virtual CPU each, and nothing claimed, before each test. */
export function useSmallHosts(): void {
  useClusterDatabase();
  beforeEach(async () => {
    await pool.query('truncate instances, hosts, services, claims, server_groups, aggregates cascade');
    for (const host of ['c1', 'c2', 'c3']) await addHost(pool, host, small);
  });
}

/** Room for four servers of one virtual CPU. */
const small = {
  inventory: { vcpus: 4, memory_mb: 1024, local_gb: 100, disk_available_bytes: 1e12 },
  reserved: { vcpus: 0, memory_mb: 0, disk_gb: 0 },
  allocation_ratios: { vcpu: 1, memory_mb: 1, disk_gb: 1 },
};

/** What each of them claims. */
export const amounts = { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 };

export function request(
  host: string,
  instance: InstanceId,
  changes: Partial<ClaimRequest> = {},
): ClaimRequest {
  return {
    host: hostName(host),
    instance_id: instance,
    move: null,
    amounts,
    details: null,
    server_group_uuid: null,
    is_known_up: false,
    ...changes,
  };
}

export async function commitClaim(asked: ClaimRequest): ReturnType<typeof claim> {
  return await transact(pool, async (transaction) => {
    const outcome = await claim(transaction, asked, 60);
    if (outcome.claimed) await transaction.finish([outcome.written]);
    return outcome;
  });
}

export async function commit(
  instance: InstanceId,
  work: (transaction: Transaction) => Promise<void>,
): Promise<void> {
  await transact(pool, async (transaction) => {
    await lockHosts(transaction, await hostsOfClaims(transaction, instance));
    await work(transaction);
    await transaction.finish([]);
  });
}

/** Who holds a virtual CPU for this instance, and where. */
export async function consumers(instance: InstanceId): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select h.name || ' ' || c.consumer_kind as line from claims c join hosts h on h.id = c.host_id
     where c.instance_uuid = $1 and c.resource_class = 'VCPU' order by 1`,
    [instance],
  );
  return rows.map((row) => row.line);
}
