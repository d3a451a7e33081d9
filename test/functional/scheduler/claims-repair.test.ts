import { describe, expect, test } from 'vitest';
import { repairClaims } from '../../../services/scheduler/claims/repair.ts';
import { consumers, useSmallHosts } from './claim-requests.ts';
import { pool, wrongBooks } from './cluster-database.ts';
import { addColdMigration, addInstance } from './rows.ts';

useSmallHosts();

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
