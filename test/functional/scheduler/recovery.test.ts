import { describe, expect, test } from 'vitest';
import { startOf } from '../../../services/scheduler/drive/driver.ts';
import { lockAndLoad } from '../../../services/scheduler/drive/world.ts';
import { decideAndCommit } from '../../../services/scheduler/drive/decision.ts';
import { transact } from '../../../services/scheduler/drive/transaction.ts';
import { answer, breakAt, commands, instance, operationRow, scheduler, useDrivers } from './drivers.ts';
import { pool } from './cluster-database.ts';
import { addColdMigration, addOperation } from './rows.ts';

useDrivers();

describe('leases', () => {
  test('the fencing number rises with each change of driver, and commands carry it', async () => {
    const { operation } = await addColdMigration(pool, instance);
    const first = scheduler('first');
    await first.driver.deliver(operation, startOf);
    expect(await operationRow(operation)).toMatchObject({ step: 'survey', fencing: 1, lease_owner: 'first' });
    const second = scheduler('second');
    const [survey] = await commands();
    if (survey === undefined) throw new Error('no command was sent');
    await second.driver.deliver(operation, answer(survey));
    expect(await operationRow(operation)).toMatchObject({ step: 'admit', fencing: 2, lease_owner: 'second' });
    expect((await commands()).map(({ command, fencing }) => [command, fencing])).toEqual([
      ['survey', 1],
      ['admit', 2],
    ]);
  });

  test('a choice that died with its process is made again by who takes the lease over, with one claim', async () => {
    const { operation } = await addColdMigration(pool, instance);
    const dying = scheduler('dying');
    // The order `choose` is committed; then the process dies before it carries it out.
    await transact(pool, async (transaction) => {
      const loaded = await lockAndLoad(transaction, operation, dying.services.imageSource);
      if (loaded === null) throw new Error('no operation');
      await decideAndCommit(dying.services, transaction, loaded, { type: 'requested' });
    });
    expect(await operationRow(operation)).toMatchObject({ step: 'choose', lease_owner: 'dying' });
    const other = scheduler('other');
    await other.reconciler.look();
    expect(await operationRow(operation)).toMatchObject({ step: 'choose', lease_owner: 'dying' });
    await pool.query(`update operations set lease_expires_at = now() - interval '1 second'`);
    await other.reconciler.look();
    expect(await operationRow(operation)).toMatchObject({ step: 'survey', lease_owner: 'other', fencing: 2 });
    const { rows } = await pool.query(
      `select h.name, c.consumer_kind from claims c join hosts h on h.id = c.host_id
       where resource_class = 'VCPU' order by 1`,
    );
    expect(rows).toEqual([
      { name: 'c1', consumer_kind: 'migration' },
      { name: 'c2', consumer_kind: 'instance' },
    ]);
  });

  test('whose driver lives are not taken, and are renewed', async () => {
    const { operation } = await addColdMigration(pool, instance);
    const owner = scheduler('owner');
    await owner.driver.deliver(operation, startOf);
    await pool.query(`update operations set lease_expires_at = now() + interval '1 second'`);
    await owner.reconciler.look();
    const { rows } = await pool.query(
      `select lease_expires_at > now() + interval '10 seconds' as renewed from operations`,
    );
    expect(rows).toEqual([{ renewed: true }]);
    await scheduler('other').reconciler.look();
    expect(await operationRow(operation)).toMatchObject({ lease_owner: 'owner', fencing: 1 });
  });
});

describe('a crash', () => {
  /** Where the process dies: each is a statement of the decision that sends the first command. */
  const places = ['insert into claims', 'insert into decisions', 'insert into outbox', 'commit'];
  test.for(places)(
    'at "%s" leaves neither rows nor messages, and the next try does all of it once',
    async (place) => {
      const { operation } = await addColdMigration(pool, instance);
      const crashing = scheduler('crashing');
      await transact(pool, async (transaction) => {
        const loaded = await lockAndLoad(transaction, operation, crashing.services.imageSource);
        if (loaded === null) throw new Error('no operation');
        await decideAndCommit(crashing.services, transaction, loaded, { type: 'requested' });
      });
      const before = await operationRow(operation);
      await pool.query(`update operations set lease_expires_at = now() - interval '1 second'`);
      breakAt(place);
      await crashing.reconciler.look();
      breakAt(null);
      expect(await commands()).toEqual([]);
      const { rows } = await pool.query(
        `select (select count(*)::int from decisions) as decisions,
              (select count(*)::int from claims where consumer_kind = 'migration') as handed_over,
              (select count(*)::int from claims c join hosts h on h.id = c.host_id where h.name = 'c2') as on_target`,
      );
      expect(rows).toEqual([{ decisions: 0, handed_over: 0, on_target: 0 }]);
      expect(await operationRow(operation)).toMatchObject({ step: before['step'], step_state: 'ordered' });

      await pool.query(`update operations set lease_expires_at = now() - interval '1 second'`);
      await scheduler('next').reconciler.look();
      expect((await commands()).map(({ command }) => command)).toEqual(['survey']);
      expect(await operationRow(operation)).toMatchObject({ step: 'survey', lease_owner: 'next' });
    },
  );
});

describe('the reconciler', () => {
  test('begins an operation whose wake was lost', async () => {
    const operation = await addOperation(pool, instance, 'stop');
    await pool.query(`update operations set created_at = now() - interval '1 minute'`);
    await scheduler('one').reconciler.look();
    expect((await commands()).map(({ command }) => command)).toEqual(['power_off']);
    expect(await operationRow(operation)).toMatchObject({ step: 'power-off', step_state: 'ordered' });
  });

  test('begins an operation that waited behind one that has ended', async () => {
    const ended = await addOperation(pool, instance, 'stop');
    const waiting = await addOperation(pool, instance, 'delete', { state: 'waiting' });
    await scheduler('one').reconciler.look();
    expect(await operationRow(waiting)).toMatchObject({ state: 'waiting' });
    await pool.query(`update operations set state = 'done' where id = $1`, [ended]);
    await scheduler('one').reconciler.look();
    expect(await operationRow(waiting)).toMatchObject({ state: 'running', step: 'destroy' });
  });

  test('sends a command again whose deadline passed while its host reports', async () => {
    const operation = await addOperation(pool, instance, 'stop');
    const one = scheduler('one');
    await one.driver.deliver(operation, startOf);
    await pool.query(`update operations set deadline_at = now() - interval '1 second'`);
    await scheduler('other').reconciler.look();
    expect(await commands()).toHaveLength(1);
    await one.reconciler.look();
    expect((await commands()).map(({ command, attempt }) => [command, attempt])).toEqual([
      ['power_off', 1],
      ['power_off', 2],
    ]);
  });

  test('hears of a resume that nobody was told of', async () => {
    const operation = await addOperation(pool, instance, 'stop');
    const one = scheduler('one');
    await one.driver.deliver(operation, startOf);
    await pool.query(
      `update operations set state = 'stuck', step_state = 'pending', resume_requested_at = now() where id = $1`,
      [operation],
    );
    await one.reconciler.look();
    const { rows } = await pool.query('select state, resume_requested_at from operations where id = $1', [
      operation,
    ]);
    expect(rows[0]).toMatchObject({ resume_requested_at: null });
    expect(rows[0]).not.toMatchObject({ state: 'stuck' });
  });
});
