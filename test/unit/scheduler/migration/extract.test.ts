import { describe, expect, test } from 'vitest';
import { imageId } from '../../../../shared/domain/ids.ts';
import { alpha, operation } from './rows.ts';
import { extract } from '../../../../services/scheduler/migration/plans/extract.ts';
import { SimulatedCluster, type Fate } from './simulated-cluster.ts';

const image_id = imageId('55555555-5555-4555-8555-555555555555');

function asked(): SimulatedCluster {
  const cluster = new SimulatedCluster('extract');
  const wish = operation('extract', { request: { extract: { image_id, disk_format: 'vmdk' } } });
  const upload = { id: image_id, url: 'http://127.0.0.1/', ticket: '1.a' };
  cluster.world = { ...cluster.world, operation: wish, upload };
  cluster.happen({ type: 'requested' });
  return cluster;
}

test('the disk is made, then uploaded, and the server is as it was', () => {
  const cluster = asked();
  expect(cluster.world.instance.task_state).toBe('image_pending_upload');
  cluster.settle();
  expect(cluster.world).toMatchObject({
    operation: { state: 'done' },
    instance: { host: alpha, epoch: 1, vm_state: 'active', task_state: null },
  });
  expect([...cluster.events]).toEqual([['compute_snapshot_instance', 'Success']]);
  expect(cluster.runningOn()).toEqual([alpha]);
  expect(cluster.abandoned_images).toEqual([]);
});

test('called back: what runs of it is ended on its host, and no image is left', () => {
  const cluster = asked();
  cluster.happen({ type: 'cancel', by: 'someone' });
  cluster.settle();
  expect(cluster.world).toMatchObject({
    operation: { state: 'unwound', reason: { code: 'cancelled' } },
    instance: { task_state: null, vm_state: 'active' },
  });
  expect(cluster.log.join('\n')).toMatch(/extract ordered/);
  expect(cluster.abandoned_images).toEqual([image_id]);
  expect([...cluster.events]).toEqual([['compute_snapshot_instance', 'Error']]);
});

/** No image, no files on the host, and the server as it was. */
function expectTakenBack(cluster: SimulatedCluster): void {
  expect(cluster.world.operation).toMatchObject({ state: 'unwound', reason: expect.anything() as unknown });
  expect(cluster.world.instance).toMatchObject({
    host: alpha,
    epoch: 1,
    vm_state: 'active',
    task_state: null,
  });
  expect(cluster.abandoned_images).toEqual([image_id]);
  expect(cluster.runningOn()).toEqual([alpha]);
  expect([...cluster.events.values()]).not.toContain('open');
}

describe('every step that has a command, and every way it can go wrong', () => {
  const steps = extract.steps.filter(({ action }) => action.type === 'command').map(({ name }) => name);
  for (const step of steps) {
    test.each<Fate>(['refuse', 'crash_before', 'crash_after', 'twice'])(`${step}: %s`, (fate) => {
      const cluster = asked();
      let struck = false;
      cluster.settle((order) => {
        const hits = order.step === step && order.direction === 'action' && (!struck || fate === 'refuse');
        struck ||= hits;
        return hits ? fate : 'normal';
      });
      expect(struck).toBe(true);
      if (fate === 'refuse') return expectTakenBack(cluster);
      expect(cluster.world.operation.state).toBe('done');
      expect(cluster.abandoned_images).toEqual([]);
      return undefined;
    });

    test(`${step}: called back while it is under way`, () => {
      const cluster = asked();
      cluster.until(step);
      cluster.happen({ type: 'cancel', by: 'someone' });
      cluster.settle();
      expectTakenBack(cluster);
    });

    test(`${step}: its host is gone, and does not keep the server from being given back`, () => {
      const cluster = asked();
      cluster.until(step);
      cluster.down.add(alpha);
      cluster.happen({ type: 'cancel', by: 'someone' });
      cluster.settle();
      expect(cluster.world.operation.state).toBe('unwound');
      expect(cluster.world.instance.task_state).toBeNull();
      expect(cluster.abandoned_images).toEqual([image_id]);
      // The order waits in the host's queue.
      expect(cluster.queue.at(-1)).toMatchObject({ command: 'discard_extract', host: alpha });
    });
  }
});
