import { expect } from 'vitest';
import { alpha, beta, gamma } from './rows.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** As it was before, with the reason kept. */
export function expectAsBefore(cluster: SimulatedCluster, stopped = false): void {
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
