import { describe, expect, test } from 'vitest';
import type { TransferTotals } from '../../../../shared/messaging/commands.ts';
import { alpha, beta } from './rows.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import type { CommandOrder } from './simulated-host.ts';
import { expectAsBefore } from './as-before.ts';

describe('a warm one', () => {
  /** The steps that were ordered, in order. */
  function ordered(
    options: { readonly stopped?: boolean; readonly warm?: boolean },
    sent_in_all: TransferTotals | null = null,
  ) {
    const cluster = new SimulatedCluster('cold', options);
    cluster.host(alpha).sent_in_all = sent_in_all;
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
      // As the target has said.
      prepare_bytes: 77,
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

  test.each([
    ['rounds that came to nothing and senders that died', { sent_bytes: 9000, resent_bytes: 700 }, 9000, 700],
    ['no less than its rounds, when its agent was restarted', { sent_bytes: 1024, resent_bytes: 7 }, 2024, 7],
  ])('is recorded with %s', (_, in_all, sent_bytes, resent_bytes) => {
    const { cluster } = ordered({ warm: true }, in_all);
    expect(cluster.set).toMatchObject({ sent_bytes, resent_bytes });
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
