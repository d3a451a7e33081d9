import { expect, test } from 'vitest';
import { TurnKeeper } from '../../../services/scheduler/drive/turn-keeper.ts';
import type { OperationId } from '../../../shared/domain/ids.ts';
import { pool, useClusterDatabase } from './cluster-database.ts';
import { addColdMigration, addHost, addInstance } from './rows.ts';
import { silent } from './test-scheduler.ts';

useClusterDatabase();

test('one that cannot be driven keeps nobody behind it from a turn', async () => {
  const waiting: OperationId[] = [];
  for (const [place, host] of ['c1', 'c2', 'c3'].entries()) {
    await addHost(pool, host);
    const { operation } = await addColdMigration(pool, await addInstance(pool, host));
    await pool.query(
      `update operations set step = 'turn', step_state = 'ordered', turn = 'waiting', turn_tag = $2 where id = $1`,
      [operation, place],
    );
    waiting.push(operation);
  }
  await pool.query(`update migrations set dest_compute = 'c9'`);
  const told: OperationId[] = [];
  const keeper = new TurnKeeper({
    pool,
    limits: { per_source: 1, per_target: 0, in_cluster: 0 },
    log: silent,
    tell: (operation) => {
      told.push(operation);
      return operation === waiting[0]
        ? Promise.reject(new Error('its rows make no sense'))
        : Promise.resolve();
    },
  });
  await keeper.look();
  await keeper.close();
  expect(told).toEqual(waiting);
});
