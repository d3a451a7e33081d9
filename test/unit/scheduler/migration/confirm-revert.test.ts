import { describe, expect, test } from 'vitest';
import { alpha, beta, gamma } from './rows.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

function finished(options: { stopped?: boolean } = {}): SimulatedCluster {
  const cluster = new SimulatedCluster('cold', options);
  cluster.happen({ type: 'requested' });
  cluster.settle();
  expect(cluster.world.migration?.status).toBe('finished');
  return cluster;
}

/** A create that was just asked for: the guest is nowhere yet, and nothing is claimed for it. */
function requestedCreate(): SimulatedCluster {
  const cluster = new SimulatedCluster('create');
  Object.assign(cluster.host(alpha), { home: null, running: false, epoch: 0 });
  cluster.claims = { instance: null, migration: null };
  const nowhere = { host: null, node: null, epoch: 0, power_state: 0 } as const;
  const building = { vm_state: 'building', task_state: 'scheduling' } as const;
  cluster.world = { ...cluster.world, instance: { ...cluster.world.instance, ...nowhere, ...building } };
  cluster.happen({ type: 'requested' });
  return cluster;
}

describe('confirm', () => {
  test.each([
    { stopped: false, vm_state: 'active' },
    { stopped: true, vm_state: 'stopped' },
  ])('removes the source and rests in $vm_state', ({ stopped, vm_state }) => {
    const cluster = finished({ stopped });
    cluster.request('confirm');
    cluster.settle();
    expect(cluster.world.instance).toMatchObject({ host: beta, vm_state, task_state: null });
    expect(cluster.world.migration?.status).toBe('confirmed');
    expect(cluster.host(alpha)).toMatchObject({ home: null, retired: null });
    expect(cluster.claims).toEqual({ instance: beta, migration: null });
  });

  test('a guest that is not there any more keeps its source: back to VERIFY_RESIZE', () => {
    const cluster = finished();
    cluster.request('confirm');
    cluster.settle((order) => (order.command === 'check' ? 'refuse' : 'normal'));
    expect(cluster.world.instance.vm_state).toBe('resized');
    expect(cluster.world.migration?.status).toBe('finished');
    expect(cluster.host(alpha).retired).toBe('the-guest');
    expect(cluster.events.get('compute_confirm_resize')).toBe('Error');
  });

  test('a source that cannot remove its copy is stuck in sight, not confirmed', () => {
    const cluster = finished();
    cluster.request('confirm');
    cluster.settle((order) => (order.command === 'discard_source' ? 'refuse' : 'normal'));
    expect(cluster.world.operation.state).toBe('stuck');
    expect(cluster.runningOn()).toEqual([beta]);
    cluster.happen({ type: 'resume' });
    cluster.settle();
    expect(cluster.world.migration?.status).toBe('confirmed');
  });
});

describe('revert', () => {
  test.each([
    { stopped: false, vm_state: 'active', running: [alpha] },
    { stopped: true, vm_state: 'stopped', running: [] },
  ])('gives the guest back to the source as $vm_state', ({ stopped, vm_state, running }) => {
    const cluster = finished({ stopped });
    cluster.request('revert');
    cluster.settle();
    expect(cluster.world.instance).toMatchObject({ host: alpha, vm_state, task_state: null });
    expect(cluster.world.migration?.status).toBe('reverted');
    expect(cluster.runningOn()).toEqual(running);
    expect(cluster.host(alpha)).toMatchObject({ home: 'the-guest', retired: null });
    expect(cluster.host(beta)).toMatchObject({ home: null, withdrawn: null });
    expect(cluster.claims).toEqual({ instance: alpha, migration: null });
    expect([...cluster.events].slice(-2)).toEqual([
      ['compute_revert_resize', 'Success'],
      ['compute_finish_revert_resize', 'Success'],
    ]);
  });

  test('a source that cannot take it back leaves the guest running at the target', () => {
    const cluster = finished();
    cluster.request('revert');
    cluster.settle((order) => (order.command === 'restore' ? 'refuse' : 'normal'));
    expect(cluster.world.instance).toMatchObject({ host: beta, vm_state: 'resized', task_state: null });
    expect(cluster.world.migration?.status).toBe('finished');
    expect(cluster.runningOn()).toEqual([beta]);
    expect(cluster.host(alpha).retired).toBe('the-guest');
  });

  test('after a revert the same instance can move again', () => {
    const cluster = finished();
    cluster.request('revert');
    cluster.settle();
    cluster.world = { ...cluster.world, migration: { ...cluster.world.migration!, status: 'pre-migrating' } };
    cluster.request('cold');
    cluster.settle();
    expect(cluster.world.instance).toMatchObject({ host: beta, vm_state: 'resized' });
    expect(cluster.runningOn()).toEqual([beta]);
  });
});

describe('the rest of a life', () => {
  test('delete in VERIFY_RESIZE removes both copies', () => {
    const cluster = finished();
    cluster.request('delete');
    cluster.settle();
    expect(cluster.world.instance).toMatchObject({ vm_state: 'deleted', task_state: null });
    expect(cluster.host(alpha).retired).toBeNull();
    expect(cluster.host(beta).home).toBeNull();
    expect(cluster.claims).toEqual({ instance: null, migration: null });
  });

  test.each([
    { kind: 'stop', vm_state: 'stopped', running: [] },
    { kind: 'start', vm_state: 'active', running: [alpha] },
    { kind: 'reboot', vm_state: 'active', running: [alpha] },
  ] as const)('$kind ends in $vm_state', ({ kind, vm_state, running }) => {
    const cluster = new SimulatedCluster(kind);
    cluster.happen({ type: 'requested' });
    cluster.settle();
    expect(cluster.world.instance).toMatchObject({ vm_state, task_state: null });
    expect(cluster.runningOn()).toEqual(running);
  });

  test('create passes over a host that cannot build it, and ends in error when none can', () => {
    const cluster = requestedCreate();
    cluster.settle((order) => (order.command === 'spawn' ? 'refuse' : 'normal'));
    expect(cluster.world.instance).toMatchObject({ vm_state: 'error', task_state: null, host: null });
    expect(cluster.world.operation.facts.refused_hosts).toEqual([beta, gamma]);
    expect(cluster.claims).toEqual({ instance: null, migration: null });
  });

  test('create never builds a second guest while a first one may run', () => {
    const cluster = requestedCreate();
    cluster.choose();
    cluster.deliver('crash_after');
    expect(cluster.runningOn()).toEqual([beta]);
    cluster.down.add(beta);
    cluster.settle();
    expect(cluster.world.instance).toMatchObject({ vm_state: 'error', host: null });
    expect(cluster.runningOn()).toEqual([beta]);
    cluster.down.clear();
    while (cluster.deliver());
    expect(cluster.runningOn()).toEqual([]);
  });

  test('a revert whose target cannot clean up ends, and the clean-up stays owed', () => {
    const cluster = finished();
    cluster.request('revert');
    cluster.settle((order) => (order.command === 'discard_target' ? 'refuse' : 'normal'));
    expect(cluster.world.operation.state).toBe('done');
    expect(cluster.world.instance).toMatchObject({ host: alpha, vm_state: 'active', task_state: null });
  });
});
