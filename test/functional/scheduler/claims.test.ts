import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostName, type InstanceId, type MigrationId } from '../../../shared/domain/ids.ts';
import type { ClaimRequest } from '../../../services/scheduler/claims/books.ts';
import {
  releaseAllClaims,
  releaseSourceClaim,
  returnClaimsToSource,
} from '../../../services/scheduler/claims/release.ts';
import { commit, commitClaim, consumers, request, useSmallHosts } from './claim-requests.ts';
import { pool, wrongBooks } from './cluster-database.ts';
import { addColdMigration, addHost, addInstance } from './rows.ts';

useSmallHosts();

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

  test('on the source again, while a migration has that one, does not keep the next move from being made', async () => {
    const instance = await addInstance(pool, 'c1');
    const { migration } = await addColdMigration(pool, instance);
    const move = { instance_id: instance, migration_id: migration, source_host: hostName('c1') };
    await commitClaim(request('c2', instance, { move }));
    await commitClaim(request('c1', instance));
    expect(await commitClaim(request('c3', instance, { move }))).toMatchObject({ claimed: true });
    expect(await consumers(instance)).toEqual(['c1 instance', 'c1 migration', 'c2 instance', 'c3 instance']);
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
