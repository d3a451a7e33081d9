import { describe, expect, test } from 'vitest';
import { alpha, beta, gamma } from './rows.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { expectAsBefore } from './as-before.ts';

function moved(options: { stopped?: boolean } = {}): SimulatedCluster {
  const cluster = new SimulatedCluster('cold', options);
  cluster.happen({ type: 'requested' });
  cluster.settle();
  return cluster;
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
