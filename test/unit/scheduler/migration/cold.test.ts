import { describe, expect, test } from 'vitest';
import { cold } from '../../../../services/scheduler/migration/plans/cold.ts';
import { alpha, beta, gamma } from './rows.ts';
import { SimulatedCluster, type Fate } from './simulated-cluster.ts';
import type { CommandOrder } from './simulated-host.ts';

function moved(options: { stopped?: boolean } = {}): SimulatedCluster {
  const cluster = new SimulatedCluster('cold', options);
  cluster.happen({ type: 'requested' });
  cluster.settle();
  return cluster;
}

/** As it was before, with the reason kept. */
function expectAsBefore(cluster: SimulatedCluster, stopped = false): void {
  const { operation, instance, migration } = cluster.world;
  expect(operation.state).toBe('unwound');
  expect(instance).toMatchObject({ host: alpha, task_state: null, vm_state: stopped ? 'stopped' : 'active' });
  expect(['error', 'cancelled']).toContain(migration?.status);
  expect(cluster.runningOn()).toEqual(stopped ? [] : [alpha]);
  expect(cluster.host(alpha)).toMatchObject({ home: 'the-guest', retired: null });
  expect(cluster.claims).toEqual({ instance: alpha, migration: null });
  for (const name of [beta, gamma]) {
    expect(cluster.host(name)).toMatchObject({ home: null, staging: null, withdrawn: null });
  }
  expect([...cluster.events.values()]).not.toContain('open');
  expect(operation.reason).not.toBeNull();
}

describe('a cold migration that nothing disturbs', () => {
  test('moves the guest and its content, and keeps the source until it is confirmed', () => {
    const cluster = moved();
    expect(cluster.world.operation.state).toBe('done');
    expect(cluster.world.instance).toMatchObject({
      host: beta,
      vm_state: 'resized',
      task_state: null,
      power_state: 1,
      epoch: 2,
    });
    expect(cluster.world.migration).toMatchObject({
      status: 'finished',
      target_host: beta,
      was_running: true,
    });
    expect(cluster.runningOn()).toEqual([beta]);
    expect(cluster.host(alpha)).toMatchObject({ home: null, retired: 'the-guest' });
    expect(cluster.host(beta)).toMatchObject({ home: 'the-guest', staging: null });
    expect(cluster.claims).toEqual({ instance: beta, migration: alpha });
  });

  test('tells its history in the events that Nova tells', () => {
    expect([...moved().events]).toEqual([
      ['conductor_migrate_server', 'Success'],
      ['cold_migrate', 'Success'],
      ['compute_prep_resize', 'Success'],
      ['compute_resize_instance', 'Success'],
      ['compute_finish_resize', 'Success'],
    ]);
  });

  test('leaves a stopped guest stopped', () => {
    const cluster = moved({ stopped: true });
    expect(cluster.world.instance).toMatchObject({ vm_state: 'resized', power_state: 4 });
    expect(cluster.runningOn()).toEqual([]);
  });

  test('shows Nova status and task_state for every step', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    const seen: string[] = [];
    for (let index = 0; index < 40 && cluster.world.operation.state === 'running'; index += 1) {
      const { operation, instance, migration } = cluster.world;
      const line = `${operation.step} ${migration?.status} ${instance.task_state}`;
      if (seen.at(-1) !== line) seen.push(line);
      if (!cluster.hear() && !cluster.deliver()) cluster.choose();
    }
    expect(seen).toEqual([
      'choose pre-migrating resize_prep',
      'survey pre-migrating resize_prep',
      'admit pre-migrating resize_prep',
      'connect migrating resize_migrating',
      'stop migrating resize_migrating',
      'copy migrating resize_migrating',
      'verify migrating resize_migrating',
      'prepare migrating resize_migrating',
      'retire post-migrating resize_migrated',
      'adopt post-migrating resize_finish',
    ]);
  });
});

describe.each([
  ['cold', false],
  ['warm', true],
])('every step of a %s one that has a command, and every way it can go wrong', (_, warm) => {
  const commands = cold.steps
    .filter((step) => step.action.type === 'command' && (warm || step.name !== 'precopy'))
    .map((step) => step.name);
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

describe('a warm one', () => {
  /** The steps that were ordered, in order. */
  function ordered(options: { readonly stopped?: boolean; readonly warm?: boolean }) {
    const cluster = new SimulatedCluster('cold', options);
    cluster.happen({ type: 'requested' });
    const orders: CommandOrder[] = [];
    cluster.settle((order) => {
      orders.push(order);
      return 'normal';
    });
    return { cluster, orders, steps: orders.map(({ step }) => step) };
  }

  test('copies while the guest runs, stops it only then, and moves what it wrote last', () => {
    const { cluster, orders, steps } = ordered({ warm: true });
    expect(steps.slice(0, 7)).toEqual(['survey', 'admit', 'connect', 'precopy', 'stop', 'copy', 'verify']);
    expect(orders.find(({ step }) => step === 'precopy')?.arguments).toMatchObject({
      downtime_budget_seconds: 10,
    });
    expect(orders.find(({ step }) => step === 'copy')?.arguments).toMatchObject({ after_precopy: true });
    expect(cluster.host(beta).home).toBe('the-guest');
    expect(cluster.set).toMatchObject({
      precopy_ended: 'fits_budget',
      predicted_downtime_seconds: 2,
      sent_bytes: 900 + 100 + 1024,
      skipped_bytes: 124,
      downtime: 'ends',
    });
    expect(cluster.set.rounds).toHaveLength(2);
  });

  test('of a guest that is off is a cold one: there is nothing to keep running', () => {
    const { cluster, orders, steps } = ordered({ warm: true, stopped: true });
    expect(steps).not.toContain('precopy');
    expect(orders.find(({ step }) => step === 'copy')?.arguments).toMatchObject({ after_precopy: false });
    expect(cluster.set.downtime).toBeUndefined();
  });

  test('that was not asked for is none', () => {
    const { cluster, steps } = ordered({});
    expect(steps).not.toContain('precopy');
    expect(cluster.set).toMatchObject({ downtime: 'ends' });
  });

  function precopying(): SimulatedCluster {
    const cluster = new SimulatedCluster('cold', { warm: true });
    cluster.offers = [beta];
    cluster.happen({ type: 'requested' });
    cluster.until('precopy');
    return cluster;
  }

  test('cancelled in its rounds never stops the guest', () => {
    const cluster = precopying();
    cluster.happen({ type: 'cancel', by: 'admin' });
    const undos: string[] = [];
    cluster.settle((order) => {
      if (order.direction === 'undo') undos.push(order.command);
      return 'normal';
    });
    expect(undos).toEqual(['abort_copy', 'abort_copy', 'unadmit']);
    expectAsBefore(cluster);
  });

  test('takes a new limit and a pause in its rounds', () => {
    const cluster = precopying();
    const { operation } = cluster.world;
    const request = { ...operation.request, limit_bytes_per_second: 100 };
    cluster.world = { ...cluster.world, operation: { ...operation, request, paused: true } };
    expect(cluster.happen({ type: 'governance_changed' }).orders).toMatchObject([
      { command: 'limit', host: alpha, arguments: { limit_bytes_per_second: 100 } },
      { command: 'pause_copy', host: alpha, arguments: { paused: true } },
    ]);
  });

  test('whose source says nothing more is given up with the guest running', () => {
    const cluster = precopying();
    cluster.down.add(alpha);
    cluster.happen({ type: 'deadline_elapsed', host_is_up: false });
    expect(cluster.host(alpha).running).toBe(true);
    cluster.down.clear();
    cluster.settle();
    expectAsBefore(cluster);
  });
});

describe('choosing', () => {
  test('no valid host: as before, the reason in events, fault and record', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.offers = [];
    cluster.happen({ type: 'requested' });
    cluster.settle();
    expectAsBefore(cluster);
    expect(cluster.events.get('cold_migrate')).toBe('Error');
    expect(cluster.eventDetails.get('conductor_migrate_server')).toMatch(/^No valid host was found\. /);
    expect(cluster.faults).toHaveLength(1);
  });

  test('a target that refuses is passed over for the next one', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    cluster.settle((order) => (order.command === 'admit' && order.host === beta ? 'refuse' : 'normal'));
    expect(cluster.world.operation.state).toBe('done');
    expect(cluster.world.instance.host).toBe(gamma);
    expect(cluster.host(beta).staging).toBeNull();
    expect(cluster.claims).toEqual({ instance: gamma, migration: alpha });
  });

  test('a target that was asked for by name is not replaced', () => {
    const cluster = new SimulatedCluster('cold');
    const { operation } = cluster.world;
    cluster.world = { ...cluster.world, operation: { ...operation, request: { host: beta } } };
    cluster.happen({ type: 'requested' });
    cluster.settle((order) => (order.command === 'admit' ? 'refuse' : 'normal'));
    expectAsBefore(cluster);
  });

  test('a decision that died with its scheduler is made again, a bounded number of times', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    for (let index = 0; index < 3; index += 1) {
      cluster.choosing = null;
      cluster.happen({ type: 'lease_expired' });
      expect(cluster.choosing).not.toBeNull();
    }
    cluster.choosing = null;
    cluster.happen({ type: 'lease_expired' });
    expect(cluster.choosing).toBeNull();
    expectAsBefore(cluster);
  });

  test('cancel during choose releases the claim that was being made', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    cluster.happen({ type: 'cancel', by: 'admin' });
    expect(cluster.world.operation.state).toBe('running');
    cluster.settle();
    expectAsBefore(cluster);
  });
});

describe('a target that fetches a large image', () => {
  const admitting = () => {
    const cluster = new SimulatedCluster('cold');
    cluster.offers = [beta];
    cluster.happen({ type: 'requested' });
    while (cluster.world.operation.step !== 'admit') {
      if (!cluster.hear() && !cluster.deliver()) cluster.choose();
    }
    return cluster;
  };

  test('is waited for while it reports itself', () => {
    const cluster = admitting();
    for (let index = 0; index < 25; index += 1)
      cluster.happen({ type: 'deadline_elapsed', host_is_up: true });
    expect(cluster.world.operation).toMatchObject({ state: 'running', step: 'admit' });
    expect(cluster.queue.filter((order) => order.command === 'admit')).toHaveLength(3);
    cluster.settle();
    expect(cluster.world.operation.state).toBe('done');
  });

  test('is given up after half an hour, or at once when it goes down', () => {
    const slow = admitting();
    for (let index = 0; index < 31; index += 1) slow.happen({ type: 'deadline_elapsed', host_is_up: true });
    expect(slow.world.operation.state).not.toBe('running');
    const gone = admitting();
    gone.happen({ type: 'deadline_elapsed', host_is_up: false });
    expect(gone.world.operation.state).toBe('unwinding');
  });
});

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
    const cluster = new SimulatedCluster('cold');
    cluster.offers = [beta];
    cluster.happen({ type: 'requested' });
    cluster.settle((order) =>
      order.command === 'adopt' || order.command === 'unretire' ? 'refuse' : 'normal',
    );
    expect(cluster.world.operation).toMatchObject({ state: 'stuck', step: 'retire' });
    cluster.happen({ type: 'resume' });
    cluster.settle();
    expectAsBefore(cluster);
  });
});

test('a stuck operation goes on as if done when a person says so', () => {
  const cluster = new SimulatedCluster('cold');
  cluster.offers = [beta];
  cluster.happen({ type: 'requested' });
  cluster.settle((order) =>
    order.command === 'adopt' || order.command === 'unretire' ? 'refuse' : 'normal',
  );
  expect(cluster.world.operation).toMatchObject({ state: 'stuck', step: 'retire' });
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

describe('a new limit', () => {
  const limited = (cluster: SimulatedCluster, limit_bytes_per_second: number) => {
    const { operation } = cluster.world;
    cluster.world = { ...cluster.world, operation: { ...operation, request: { limit_bytes_per_second } } };
    return cluster.happen({ type: 'governance_changed' });
  };

  test('is told to the source beside the copy, whose own answer still counts', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    while (cluster.world.operation.step !== 'copy') {
      if (!cluster.hear() && !cluster.deliver()) cluster.choose();
    }
    const first = limited(cluster, 100);
    const second = limited(cluster, 200);
    expect([...first.orders, ...second.orders]).toMatchObject([
      { command: 'limit', host: alpha, step: 'limit-1', arguments: { limit_bytes_per_second: 100 } },
      { command: 'limit', host: alpha, step: 'limit-2', arguments: { limit_bytes_per_second: 200 } },
    ]);
    cluster.settle();
    expect(cluster.world.operation.state).toBe('done');
    expect(cluster.runningOn()).toEqual([beta]);
  });

  test('before the copy goes with its order', () => {
    const cluster = new SimulatedCluster('cold');
    cluster.happen({ type: 'requested' });
    expect(limited(cluster, 100).orders).toEqual([]);
    cluster.settle((order) => {
      if (order.command === 'copy') expect(order.arguments).toMatchObject({ limit_bytes_per_second: 100 });
      return 'normal';
    });
    expect(cluster.world.operation.state).toBe('done');
  });
});
