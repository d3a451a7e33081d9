import { describe, expect, test } from 'vitest';
import { decide } from '../../../../services/scheduler/migration/decide.ts';
import { alpha, beta, gamma, settings } from './rows.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

/** A cold migration whose next order is this command, not yet delivered. */
function ordered(command: string): SimulatedCluster {
  const cluster = new SimulatedCluster('cold');
  cluster.happen({ type: 'requested' });
  for (let round = 0; round < 50; round += 1) {
    if (cluster.queue[0]?.command === command) return cluster;
    if (!cluster.hear() && !cluster.deliver()) cluster.choose();
  }
  throw new Error(`${command} was never ordered`);
}

describe('an answer', () => {
  test.each([
    { command: 'retire', asked: alpha, foreign: beta },
    { command: 'stop', asked: alpha, foreign: beta },
    { command: 'verify', asked: beta, foreign: alpha },
    { command: 'adopt', asked: beta, foreign: gamma },
  ] as const)('to $command counts from the host that was asked alone', ({ command, asked, foreign }) => {
    const { world, queue } = ordered(command);
    const order = queue[0]!;
    expect(order.host).toBe(asked);
    const address = { step: order.step, direction: order.direction, attempt: order.attempt } as const;
    const failed = {
      type: 'step_failed',
      ...address,
      command,
      code: 'c',
      message: 'm',
      retriable: false,
    } as const;
    expect(decide(world, { ...failed, host: foreign }, settings)).toMatchObject({ changes: [], orders: [] });
    expect(decide(world, { ...failed, host: asked }, settings).changes).not.toEqual([]);
    const progress = {
      type: 'step_progress',
      ...address,
      progress: {
        round: 1,
        disk_total_bytes: 2,
        disk_processed_bytes: 1,
        disk_remaining_bytes: 1,
        sent_bytes: 1,
        skipped_bytes: 0,
        rate_bytes_per_second: 1,
        eta_seconds: 1,
      },
    } as const;
    expect(decide(world, { ...progress, host: foreign }, settings).changes).toEqual([]);
    expect(decide(world, { ...progress, host: asked }, settings).changes).not.toEqual([]);
    // At work, nothing to count: waited for longer, no bytes written.
    const silent = decide(world, { ...progress, progress: null, host: asked }, settings).changes;
    expect(silent.map((change) => change.type)).toEqual(['operation']);
  });

  test('to an undo counts from the host that was asked alone', () => {
    const cluster = ordered('adopt');
    cluster.happen({ type: 'cancel', by: 'a test' });
    const order = cluster.queue.at(-1)!;
    expect(order).toMatchObject({ command: 'unadopt', direction: 'undo', host: beta });
    const done = {
      type: 'step_done',
      step: order.step,
      direction: 'undo',
      attempt: order.attempt,
      command: 'unadopt',
      summary: '',
      result: {},
    } as const;
    expect(decide(cluster.world, { ...done, host: alpha }, settings).changes).toEqual([]);
    expect(decide(cluster.world, { ...done, host: beta }, settings).orders).not.toEqual([]);
  });
});
