import { describe, expect, test } from 'vitest';
import type { Obstacle } from '../../../../services/scheduler/migration/turn-queue.ts';
import { alpha, beta } from './rows.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const busy: Obstacle = { side: 'source', host: alpha, running: 1, limit: 1 };

function begun(): SimulatedCluster {
  const cluster = new SimulatedCluster('cold');
  cluster.happen({ type: 'requested' });
  return cluster;
}

function queued(obstacle: Obstacle | 'others_wait' = busy): SimulatedCluster {
  const cluster = begun();
  cluster.obstacle = obstacle;
  cluster.choose();
  return cluster;
}

/** Runs until a command of this name is in a host's queue. */
function until(cluster: SimulatedCluster, command: string): SimulatedCluster {
  for (let count = 0; count < 40; count += 1) {
    if (cluster.queue.some((order) => order.command === command)) return cluster;
    if (!cluster.hear() && !cluster.deliver()) cluster.choose();
  }
  throw new Error(`${command} was never ordered`);
}

const commands = (cluster: SimulatedCluster) => cluster.queue.map(({ command }) => command);

describe('a turn to copy', () => {
  test('that is free costs no order and no answer: choose and survey are one decision', () => {
    const cluster = begun();
    cluster.choose();
    expect(cluster.world.operation).toMatchObject({ step: 'survey', turn: 'held' });
    expect(commands(cluster)).toEqual(['survey']);
  });

  test('is not asked for where nothing is limited', () => {
    const cluster = begun();
    cluster.transfer_limits = { per_source: 0, per_target: 0, in_cluster: 0 };
    cluster.obstacle = busy;
    cluster.choose();
    expect(cluster.world.operation).toMatchObject({ step: 'survey', turn: null });
  });

  test.each([busy, 'others_wait' as const])(
    'that is not free is waited for; the guest runs on (%o)',
    (why) => {
      const cluster = queued(why);
      expect(cluster.world.operation).toMatchObject({ step: 'turn', step_state: 'ordered', turn: 'waiting' });
      expect(commands(cluster)).toEqual([]);
      expect(cluster.runningOn()).toEqual([alpha]);
      expect(cluster.claims).toEqual({ instance: beta, migration: alpha });
      cluster.happen({ type: 'turn_due' });
      cluster.happen({ type: 'lease_expired' });
      cluster.happen({ type: 'governance_changed' });
      expect(cluster.world.operation).toMatchObject({ step: 'turn', turn: 'waiting' });
      cluster.obstacle = null;
      cluster.happen({ type: 'turn_due' });
      expect(cluster.world.operation).toMatchObject({ step: 'survey', turn: 'held' });
      cluster.settle();
      expect(cluster.world.operation).toMatchObject({ state: 'done', turn: null });
    },
  );

  test('is given back when the copy is verified, before the guest starts', () => {
    const cluster = until(begun(), 'verify');
    expect(cluster.world.operation.turn).toBe('held');
    until(cluster, 'retire');
    expect(cluster.world.operation.turn).toBeNull();
  });

  test.each(['survey', 'admit', 'connect', 'stop', 'copy', 'verify'] as const)(
    'is given back when %s is refused, and asked for again with another target',
    (step) => {
      const cluster = begun();
      cluster.offers = [beta];
      cluster.settle((order) => (order.step === step && order.direction === 'action' ? 'refuse' : 'normal'));
      expect(cluster.world.operation).toMatchObject({ state: 'unwound', turn: null });
    },
  );

  test('is not kept by a source that is gone', () => {
    const cluster = until(begun(), 'copy');
    cluster.happen({ type: 'cancel', by: 'test' });
    cluster.down.add(alpha);
    expect(cluster.world.operation).toMatchObject({ state: 'unwinding', turn: 'held' });
    cluster.happen({ type: 'deadline_elapsed', host_is_up: false });
    expect(cluster.world.operation).toMatchObject({ state: 'unwinding', turn: null });
    cluster.down.clear();
    cluster.settle();
    expect(cluster.world.operation.state).toBe('unwound');
  });

  test('is left by who is called back while it waits', () => {
    const cluster = queued();
    cluster.happen({ type: 'cancel', by: 'test' });
    cluster.settle();
    expect(cluster.world.operation).toMatchObject({ state: 'unwound', turn: null });
    expect(cluster.world.migration?.status).toBe('cancelled');
    expect(cluster.claims).toEqual({ instance: alpha, migration: null });
    expect(cluster.runningOn()).toEqual([alpha]);
  });
});

describe('a pause', () => {
  test('in the queue keeps a free turn for others', () => {
    const cluster = queued();
    cluster.pause(true);
    cluster.obstacle = null;
    cluster.happen({ type: 'turn_due' });
    expect(cluster.world.operation).toMatchObject({ step: 'turn', turn: 'waiting' });
    cluster.pause(false);
    expect(cluster.world.operation).toMatchObject({ step: 'survey', turn: 'held' });
  });

  test('before anything began holds where nothing is limited too', () => {
    const cluster = begun();
    cluster.transfer_limits = { per_source: 0, per_target: 0, in_cluster: 0 };
    cluster.pause(true);
    cluster.choose();
    expect(cluster.world.operation).toMatchObject({ step: 'turn', turn: 'waiting' });
    cluster.pause(false);
    cluster.settle();
    expect(cluster.world.operation).toMatchObject({ state: 'done', turn: null });
  });

  test.each(['survey', 'admit', 'connect'])('during %s holds before the guest is stopped', (step) => {
    const cluster = until(begun(), step);
    cluster.pause(true);
    for (let count = 0; count < 10; count += 1) if (!cluster.hear()) cluster.deliver();
    expect(cluster.world.operation).toMatchObject({ step: 'stop', step_state: 'pending' });
    expect(cluster.runningOn()).toEqual([alpha]);
    cluster.happen({ type: 'lease_expired' });
    cluster.happen({ type: 'governance_changed' });
    expect(commands(cluster)).toEqual([]);
    cluster.pause(false);
    expect(commands(cluster)).toEqual(['stop']);
    cluster.settle();
    expect(cluster.world.operation.state).toBe('done');
  });

  test('held before the guest is stopped, a cancel gives everything back', () => {
    const cluster = until(begun(), 'connect');
    cluster.pause(true);
    for (let count = 0; count < 10; count += 1) if (!cluster.hear()) cluster.deliver();
    cluster.happen({ type: 'cancel', by: 'test' });
    cluster.settle();
    expect(cluster.world.operation).toMatchObject({ state: 'unwound', turn: null });
    expect(cluster.runningOn()).toEqual([alpha]);
    expect(cluster.host(beta).staging).toBeNull();
  });

  test('while it copies is told to the source beside the copy, each change once', () => {
    const cluster = until(begun(), 'copy');
    const { attempt } = cluster.world.operation;
    cluster.pause(true);
    cluster.happen({ type: 'governance_changed' });
    cluster.pause(false);
    const told = cluster.queue.filter(({ command }) => command === 'pause_copy');
    expect(told.map(({ step, arguments: given }) => [step, given])).toEqual([
      ['pause_copy-1', { paused: true }],
      ['pause_copy-2', { paused: false }],
    ]);
    expect(told.every((order) => order.host === alpha)).toBe(true);
    expect(cluster.world.operation).toMatchObject({ step: 'copy', step_state: 'ordered', attempt });
    cluster.settle();
    expect(cluster.world.operation.state).toBe('done');
  });

  test('is told again when the copy has lost it', () => {
    const cluster = until(begun(), 'copy');
    cluster.pause(true);
    cluster.happen({ type: 'governance_changed', again: 'pause' });
    expect(commands(cluster).filter((command) => command === 'pause_copy')).toHaveLength(2);
  });

  test('is in the order of a copy that is begun or ordered anew, and its end is then told', () => {
    const cluster = until(begun(), 'stop');
    cluster.pause(true);
    until(cluster, 'copy');
    expect(cluster.queue[0]?.arguments).toMatchObject({ paused: true });
    cluster.queue = [];
    cluster.happen({ type: 'deadline_elapsed', host_is_up: true });
    expect(cluster.queue[0]).toMatchObject({ command: 'copy', arguments: { paused: true } });
    cluster.pause(false);
    expect(cluster.queue.at(-1)).toMatchObject({ command: 'pause_copy', arguments: { paused: false } });
    cluster.settle();
    expect(cluster.world.operation.state).toBe('done');
  });

  test('a paused copy can be cancelled', () => {
    const cluster = until(begun(), 'copy');
    cluster.pause(true);
    cluster.happen({ type: 'cancel', by: 'test' });
    cluster.settle();
    expect(cluster.world.operation.state).toBe('unwound');
    expect(cluster.runningOn()).toEqual([alpha]);
  });
});
