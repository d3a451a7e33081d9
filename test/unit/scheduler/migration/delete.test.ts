import { expect, test } from 'vitest';
import { decide } from '../../../../services/scheduler/migration/decide.ts';
import { alpha, beta, instance, migration, settings, world } from './rows.ts';

const moved = migration({ status: 'finished', target_host: beta, target_node: beta });

test.each(['resized', 'active', 'error'] as const)(
  'a server whose move is not settled takes the copy on the source with it, whatever its state was reset to: %s',
  (vm_state) => {
    const asked = world('delete', {
      instance: instance({ host: beta, epoch: 2, vm_state, task_state: 'deleting' }),
      migration: moved,
    });
    const { orders } = decide(asked, { type: 'requested' }, settings);
    expect(orders).toMatchObject([{ command: 'discard_source', host: alpha }]);
  },
);

test('a server that never moved has no copy to remove', () => {
  const asked = world('delete', { instance: instance({ task_state: 'deleting' }) });
  const { orders } = decide(asked, { type: 'requested' }, settings);
  expect(orders).toMatchObject([{ command: 'destroy', host: alpha }]);
});
