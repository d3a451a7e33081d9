import { describe, expect, test } from 'vitest';
import { cold } from '../../../../services/scheduler/migration/plans/cold.ts';
import { alpha, beta } from './rows.ts';
import { SimulatedCluster, type Fate } from './simulated-cluster.ts';
import { expectAsBefore } from './as-before.ts';

describe.each([
  ['cold', false],
  ['warm', true],
])('every step of a %s one that has a command, and every way it can go wrong', (_, warm) => {
  const commands = cold.steps
    .filter((step) => step.action.type === 'command' && (warm || step.name !== 'precopy'))
    .map((step) => step.name)
    .filter((step) => !['admit-running', 'admit-again'].includes(step));
  const fates: readonly Fate[] = ['refuse', 'crash_before', 'crash_after', 'twice'];
  for (const step of commands) {
    for (const fate of fates) {
      for (const stopped of step === 'precopy' ? [false] : [false, true]) {
        test(`${step}: ${fate}${stopped ? ', stopped guest' : ''}`, () => {
          const cluster = new SimulatedCluster('cold', { stopped, warm });
          cluster.offers = [beta];
          cluster.happen({ type: 'requested' });
          let struck = false;
          cluster.settle((order) => {
            const hits =
              order.step === step && order.direction === 'action' && (!struck || fate === 'refuse');
            struck ||= hits;
            return hits ? fate : 'normal';
          });
          expect(struck).toBe(true);
          if (fate === 'refuse') expectAsBefore(cluster, stopped);
          else {
            expect(cluster.world.operation.state).toBe('done');
            expect(cluster.world.instance.host).toBe(beta);
            expect(cluster.runningOn()).toEqual(stopped ? [] : [beta]);
          }
        });
      }
    }
    test(`${step}: refused, and its undo done twice with a lost reply`, () => {
      const cluster = new SimulatedCluster('cold', { warm });
      cluster.offers = [beta];
      cluster.happen({ type: 'requested' });
      const lost = new Set<string>();
      cluster.settle((order) => {
        if (order.direction === 'action') return order.step === step ? 'refuse' : 'normal';
        if (lost.has(order.step)) return 'twice';
        lost.add(order.step);
        return 'crash_after';
      });
      expectAsBefore(cluster);
    });
    test(`${step}: cancelled while it is under way`, () => {
      const cluster = new SimulatedCluster('cold', { warm });
      cluster.happen({ type: 'requested' });
      cluster.until(step);
      cluster.happen({ type: 'cancel', by: 'admin' });
      cluster.settle();
      expectAsBefore(cluster);
      expect(cluster.world.migration?.status).toBe('cancelled');
    });
  }
});

/** The target refuses the guest, and the source what would take its retirement back. */
function stuckAtRetire(): SimulatedCluster {
  const cluster = new SimulatedCluster('cold');
  cluster.offers = [beta];
  cluster.happen({ type: 'requested' });
  cluster.settle((order) =>
    order.command === 'adopt' || order.command === 'unretire' ? 'refuse' : 'normal',
  );
  expect(cluster.world.operation).toMatchObject({ state: 'stuck', step: 'retire' });
  return cluster;
}

describe('hosts that go away', () => {
  test('target down before adopt: the guest is given back without waiting for the target', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    while (cluster.world.operation.step !== 'verify') {
      if (!cluster.hear() && !cluster.deliver()) cluster.choose();
    }
    cluster.down.add(beta);
    cluster.settle();
    expect(cluster.world.operation.state).toBe('unwound');
    expect(cluster.runningOn()).toEqual([alpha]);
    // What is owed stays in its queue and is done when it comes back.
    expect(cluster.queue.map((order) => order.command)).toContain('unadmit');
    cluster.down.clear();
    while (cluster.deliver());
    expectAsBefore(cluster);
  });

  test('target down after it may have adopted: the source does not start until the target has answered', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    while (cluster.world.operation.step !== 'adopt') {
      if (!cluster.hear() && !cluster.deliver()) cluster.choose();
    }
    cluster.deliver('crash_after');
    cluster.down.add(beta);
    cluster.settle();
    expect(cluster.world.operation).toMatchObject({ state: 'unwinding', step: 'adopt' });
    expect(cluster.host(alpha).running).toBe(false);
    cluster.down.clear();
    cluster.settle();
    expectAsBefore(cluster);
  });

  test('an undo that the host refuses is stuck, and resume takes it up again', () => {
    const cluster = stuckAtRetire();
    cluster.happen({ type: 'resume' });
    cluster.settle();
    expectAsBefore(cluster);
  });
});

test('a stuck operation goes on as if done when a person says so', () => {
  const cluster = stuckAtRetire();
  // What a person does by hand: the folder is given its name again.
  cluster.host(alpha).home = cluster.host(alpha).retired;
  cluster.host(alpha).retired = null;
  cluster.happen({ type: 'resolve' });
  cluster.settle((order) => (order.command === 'unretire' ? 'refuse' : 'normal'));
  expectAsBefore(cluster);
});

describe('a copy that differs on the target', () => {
  function copied(corrupts: number, names_damage = true) {
    const cluster = new SimulatedCluster('cold');
    cluster.offers = [beta];
    Object.assign(cluster.host(beta), { corrupts, names_damage });
    cluster.happen({ type: 'requested' });
    const orders: string[] = [];
    cluster.settle((order) => {
      if (order.direction === 'action') orders.push(order.step);
      return 'normal';
    });
    return { cluster, copies: orders.filter((step) => step === 'copy').length };
  }

  test('is sent again once where it is damaged, and then adopted', () => {
    const { cluster, copies } = copied(1);
    expect(copies).toBe(2);
    expect(cluster.world.operation.state).toBe('done');
    expect(cluster.host(beta).home).toBe('the-guest');
    expect(cluster.set).toMatchObject({ sent_bytes: 2048, resent_bytes: 1024 });
    expect(cluster.log).toContain(
      'verify again: Disk disk is damaged on beta: the 256 bytes at offset 512 are not what was sent. It is sent again.',
    );
  });

  test('is never adopted: damaged twice, the server goes back, with the extent named', () => {
    const { cluster, copies } = copied(Infinity);
    expect(copies).toBe(2);
    expectAsBefore(cluster);
    expect(cluster.world.operation.reason).toMatchObject({ code: 'mover_digest_mismatch', step: 'verify' });
    expect(cluster.world.operation.reason?.message).toMatch(
      /^Disk disk is damaged on beta: the 256 bytes at offset 512 are not what was sent\. It was sent again once/,
    );
  });

  test('is not sent again where nobody can say what of it', () => {
    const { cluster, copies } = copied(1, false);
    expect(copies).toBe(1);
    expectAsBefore(cluster);
    expect(cluster.world.operation.reason?.message).toContain('Disk disk differs');
  });

  test.each(['crash_before', 'crash_after', 'twice', 'refuse'] as const)(
    'the second copy meets %s: it moves or goes back whole',
    (fate) => {
      const cluster = new SimulatedCluster('cold');
      cluster.offers = [beta];
      cluster.host(beta).corrupts = 1;
      cluster.happen({ type: 'requested' });
      let copies = 0;
      cluster.settle((order) => {
        if (order.step !== 'copy' || order.direction !== 'action') return 'normal';
        copies += 1;
        return copies === 2 ? fate : 'normal';
      });
      if (fate === 'refuse') expectAsBefore(cluster);
      else expect(cluster.world.instance.host).toBe(beta);
    },
  );
});
