import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Pool } from '../../../shared/database/connect.ts';
import { hostName, type InstanceId, type MigrationId } from '../../../shared/domain/ids.ts';
import type { ClaimRequest } from '../../../services/scheduler/claims/books.ts';
import { claim } from '../../../services/scheduler/claims/claim.ts';
import { hostsOfClaims, lockHosts } from '../../../services/scheduler/claims/lock-hosts.ts';
import {
  releaseAllClaims,
  releaseSourceClaim,
  returnClaimsToSource,
} from '../../../services/scheduler/claims/release.ts';
import { repairClaims } from '../../../services/scheduler/claims/repair.ts';
import { transact, type Transaction } from '../../../services/scheduler/drive/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addColdMigration, addHost, addInstance, pipelinedPool, wrongBooks } from './support.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = pipelinedPool(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query('truncate instances, hosts, services, claims, server_groups, aggregates cascade');
  for (const host of ['c1', 'c2', 'c3']) await addHost(pool, host, small);
});

/** Room for four servers of one virtual CPU. */
const small = {
  inventory: { vcpus: 4, memory_mb: 1024, local_gb: 100, disk_available_bytes: 1e12 },
  reserved: { vcpus: 0, memory_mb: 0, disk_gb: 0 },
  allocation_ratios: { vcpu: 1, memory_mb: 1, disk_gb: 1 },
};

const amounts = { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 };

function request(host: string, instance: InstanceId, changes: Partial<ClaimRequest> = {}): ClaimRequest {
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

async function commitClaim(asked: ClaimRequest): ReturnType<typeof claim> {
  return await transact(pool, async (transaction) => {
    const outcome = await claim(transaction, asked, 60);
    if (outcome.claimed) await transaction.finish([outcome.written]);
    return outcome;
  });
}

async function commit(
  instance: InstanceId,
  work: (transaction: Transaction) => Promise<void>,
): Promise<void> {
  await transact(pool, async (transaction) => {
    await lockHosts(transaction, await hostsOfClaims(transaction, instance));
    await work(transaction);
    await transaction.finish([]);
  });
}

async function consumers(instance: InstanceId): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select h.name || ' ' || c.consumer_kind as line from claims c join hosts h on h.id = c.host_id
     where c.instance_uuid = $1 and c.resource_class = 'VCPU' order by 1`,
    [instance],
  );
  return rows.map((row) => row.line);
}

describe('a claim', () => {
  const refusals: ReadonlyArray<{
    readonly name: string;
    readonly before: string | null;
    readonly changes: Partial<ClaimRequest>;
    readonly check: string;
  }> = [
    { name: 'an unknown host', before: null, changes: { host: hostName('nosuch') }, check: 'host_unknown' },
    {
      name: 'a disabled host',
      before: `update services set disabled = true where host = 'c2'`,
      changes: {},
      check: 'host_disabled',
    },
    {
      name: 'a host that was forced down',
      before: `update services set forced_down = true where host = 'c2'`,
      changes: { is_known_up: true },
      check: 'host_down',
    },
    {
      name: 'a host that stopped reporting',
      before: `update services set last_seen_at = now() - interval '5 minutes' where host = 'c2'`,
      changes: {},
      check: 'host_down',
    },
    { name: 'more than is free', before: null, changes: { amounts: { MEMORY_MB: 1025 } }, check: 'max_unit' },
    {
      name: 'a class the host has not',
      before: null,
      changes: { amounts: { CUSTOM_FPGA: 1 } },
      check: 'capacity',
    },
  ];
  test.for(refusals)('refuses $name and changes nothing', async ({ before, changes, check }) => {
    const instance = await addInstance(pool, 'c1');
    if (before !== null) await pool.query(before);
    const outcome = await commitClaim(request('c2', instance, changes));
    expect(outcome).toMatchObject({ claimed: false, refusal: { check } });
    expect(await consumers(instance)).toEqual(['c1 instance']);
  });

  test('takes a host whose stored report is old when this process knows it is up: clocks jump', async () => {
    const instance = await addInstance(pool, 'c1');
    await pool.query(`update services set last_seen_at = now() - interval '1 day'`);
    const outcome = await commitClaim(request('c2', instance, { is_known_up: true }));
    expect(outcome.claimed).toBe(true);
  });

  test('hands the source to the migration, and every way out gives the books back', async () => {
    const instance = await addInstance(pool, 'c1');
    const { migration } = await addColdMigration(pool, instance);
    const source = { instance_id: instance, migration_id: migration, source_host: hostName('c1') };
    const move = () => commitClaim(request('c2', instance, { move: { ...source } }));

    await move();
    expect(await consumers(instance)).toEqual(['c1 migration', 'c2 instance']);
    expect(await wrongBooks(pool)).toEqual([]);
    await commit(instance, (transaction) => returnClaimsToSource(transaction, source));
    expect(await consumers(instance)).toEqual(['c1 instance']);

    await move();
    await commit(instance, (transaction) => releaseSourceClaim(transaction, migration));
    expect(await consumers(instance)).toEqual(['c2 instance']);

    await commit(instance, (transaction) => releaseAllClaims(transaction, instance));
    expect(await consumers(instance)).toEqual([]);
    expect(await wrongBooks(pool)).toEqual([]);
  });

  test('made twice counts once', async () => {
    const instance = await addInstance(pool, 'c1');
    await commitClaim(request('c1', instance));
    await commitClaim(request('c1', instance, { amounts: { VCPU: 2, MEMORY_MB: 128 } }));
    const { rows } = await pool.query(
      `select resource_class, used from host_inventories n join hosts h on h.id = n.host_id
       where h.name = 'c1' order by 1`,
    );
    expect(rows).toEqual([
      { resource_class: 'DISK_GB', used: 0 },
      { resource_class: 'MEMORY_MB', used: 128 },
      { resource_class: 'VCPU', used: 2 },
    ]);
  });

  test('made by eight at the same moment on a host with room for four succeeds four times', async () => {
    const big = await addHost(pool, 'big', { boot_id: 'b' });
    const instances = await Promise.all(Array.from({ length: 8 }, () => addInstance(pool, big)));
    const outcomes = await Promise.all(instances.map((instance) => commitClaim(request('c3', instance))));
    expect(outcomes.filter((outcome) => outcome.claimed)).toHaveLength(4);
    expect(outcomes.find((outcome) => !outcome.claimed)).toEqual({
      claimed: false,
      refusal: { check: 'capacity', message: 'has 0 VCPU free, asked 1' },
    });
    expect(await wrongBooks(pool)).toEqual([]);
  });

  test('raises the generation, so that snapshots read the host again', async () => {
    const instance = await addInstance(pool, 'c1');
    const generation = async () =>
      (await pool.query<{ generation: number }>(`select generation from hosts where name = 'c2'`)).rows[0]
        ?.generation;
    const before = await generation();
    await commitClaim(request('c2', instance));
    expect(await generation()).toBe((before ?? 0) + 1);
  });
});

describe('group rules at the claim', () => {
  async function group(policy: string, max: number | null): Promise<string> {
    const id = randomUUID();
    await pool.query(
      `insert into server_groups (uuid, project_id, user_id, name, policy, max_server_per_host)
       values ($1, 'p', 'u', 'g', $2, $3)`,
      [id, policy, max],
    );
    return id;
  }

  test('two members that decided at the same moment cannot both take one host', async () => {
    const server_group_uuid = await group('anti-affinity', null);
    const one = await addInstance(pool, 'c1', { group: server_group_uuid });
    const two = await addInstance(pool, 'c2', { group: server_group_uuid });
    const outcomes = await Promise.all(
      [one, two].map((instance) => commitClaim(request('c3', instance, { server_group_uuid }))),
    );
    expect(outcomes.filter((outcome) => outcome.claimed)).toHaveLength(1);
    expect(outcomes).toContainEqual({
      claimed: false,
      refusal: expect.objectContaining({ check: 'anti_affinity' }),
    });
  });

  test('a member that is moving away counts on both hosts until it is confirmed', async () => {
    const server_group_uuid = await group('anti-affinity', null);
    const moving = await addInstance(pool, 'c1', { group: server_group_uuid });
    const other = await addInstance(pool, 'c2', { group: server_group_uuid });
    const { migration } = await addColdMigration(pool, moving);
    await commitClaim(
      request('c3', moving, {
        server_group_uuid,
        move: { migration_id: migration, source_host: hostName('c1') },
      }),
    );
    await pool.query(`update instances set host = 'c3' where uuid = $1`, [moving]);
    expect(await commitClaim(request('c1', other, { server_group_uuid }))).toMatchObject({ claimed: false });
  });

  test('max_server_per_host allows as many, affinity demands the same host', async () => {
    const loose = await group('anti-affinity', 2);
    await addInstance(pool, 'c1', { group: loose });
    const second = await addInstance(pool, 'c2', { group: loose });
    expect((await commitClaim(request('c1', second, { server_group_uuid: loose }))).claimed).toBe(true);
    const together = await group('affinity', null);
    await addInstance(pool, 'c1', { group: together });
    const follower = await addInstance(pool, 'c2', { group: together });
    expect(await commitClaim(request('c3', follower, { server_group_uuid: together }))).toMatchObject({
      refusal: { check: 'affinity' },
    });
  });
});

describe('under any interleaving of claims, moves and releases', () => {
  type Step = 'claim' | 'move' | 'confirm' | 'revert' | 'release';
  const steps = fc.array(
    fc.record({
      who: fc.nat(7),
      step: fc.constantFrom<Step[]>('claim', 'move', 'confirm', 'revert', 'release'),
      target: fc.constantFrom('c1', 'c2', 'c3'),
    }),
    { minLength: 5, maxLength: 40 },
  );

  async function run(
    step: Step,
    instance: InstanceId,
    migration: MigrationId,
    target: string,
    source: string,
  ): Promise<void> {
    const move = { instance_id: instance, migration_id: migration, source_host: hostName(source) };
    if (step === 'claim') await commitClaim(request(target, instance));
    else if (step === 'move') await commitClaim(request(target, instance, { move }));
    else if (step === 'confirm') await commit(instance, (tx) => releaseSourceClaim(tx, migration));
    else if (step === 'revert') await commit(instance, (tx) => returnClaimsToSource(tx, move));
    else await commit(instance, (tx) => releaseAllClaims(tx, instance));
  }

  test('no host is over its capacity, and used is the sum of the claims', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (walk) => {
        await pool.query('delete from claims; update host_inventories set used = 0; delete from instances');
        const people: Array<{ instance: InstanceId; migration: MigrationId; source: string }> = [];
        for (let index = 0; index < 8; index += 1) {
          const source = `c${(index % 2) + 1}`;
          const instance = await addInstance(pool, source);
          people.push({ instance, source, migration: (await addColdMigration(pool, instance)).migration });
        }
        // Steps of one instance come in order (its operation's lock); those of different ones in any.
        const lanes = people.map(async ({ instance, migration, source }, index) => {
          for (const { step, target } of walk.filter(({ who }) => who === index))
            await run(step, instance, migration, target, source);
        });
        await Promise.all(lanes);
        expect(await wrongBooks(pool)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('repair', () => {
  test('finds nothing where nothing is wrong', async () => {
    await addInstance(pool, 'c1');
    expect(await repairClaims(pool, { dry_run: false })).toEqual([]);
  });

  test('says what is wrong, and mends it unless it is a dry run', async () => {
    const gone = await addInstance(pool, 'c1');
    await addInstance(pool, 'c1');
    await pool.query('update instances set deleted_at = now() where uuid = $1', [gone]);
    await pool.query(
      `update host_inventories set used = 99 where resource_class = 'VCPU'
         and host_id = (select id from hosts where name = 'c2')`,
    );
    const found = await repairClaims(pool, { dry_run: true });
    expect(found.map((finding) => finding.sentence)).toEqual(
      expect.arrayContaining([
        `c1: instance ${gone} is gone but held 128 MEMORY_MB.`,
        'c2: VCPU was counted as 99 in use, its claims add up to 0.',
      ]),
    );
    expect(await consumers(gone)).toEqual(['c1 instance']);
    expect(await repairClaims(pool, { dry_run: false })).toEqual(found);
    expect(await consumers(gone)).toEqual([]);
    expect(await wrongBooks(pool)).toEqual([]);
    expect(await repairClaims(pool, { dry_run: false })).toEqual([]);
  });

  test('finds what an instance holds on a host where it does not live, once nothing is under way', async () => {
    const instance = await addInstance(pool, 'c1');
    const { operation } = await addColdMigration(pool, instance);
    await pool.query(`update instances set host = 'c2' where uuid = $1`, [instance]);
    expect(await repairClaims(pool, { dry_run: true })).toEqual([]);
    await pool.query(`update operations set state = 'done' where id = $1`, [operation]);
    expect((await repairClaims(pool, { dry_run: false })).map(({ sentence }) => sentence)).toContain(
      `c1: instance ${instance} lives on c2 but held 1 VCPU.`,
    );
    expect(await consumers(instance)).toEqual([]);
  });

  test('schedulers read a host again where a claim went that no sum had counted', async () => {
    const gone = await addInstance(pool, 'c1');
    await pool.query('update instances set deleted_at = now() where uuid = $1', [gone]);
    await pool.query('update host_inventories set used = 0');
    const generation = async () =>
      (await pool.query<{ generation: number }>(`select generation from hosts where name = 'c1'`)).rows[0]!
        .generation;
    const before = await generation();
    await repairClaims(pool, { dry_run: false });
    expect(await generation()).toBe(before + 1);
  });
});
