import { expect, test } from 'vitest';
import { imageId } from '../../../../shared/domain/ids.ts';
import { alpha, operation } from './rows.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

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
