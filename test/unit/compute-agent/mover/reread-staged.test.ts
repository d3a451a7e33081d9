import { expect, test } from 'vitest';
import type { ReceiverProcess } from '../../../../services/compute-agent/mover/receiver/receiver-process.ts';
import { rereadStaged } from '../../../../services/compute-agent/mover/receiver/reread-staged.ts';
import type { ReceiverReport } from '../../../../services/compute-agent/mover/receiver/worker-messages.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import { newMigrationId } from '../samples.ts';

test('a receiver that cannot be ended does not hide why it was to end', async () => {
  const stuck = new DroverError('mover_process_stuck', { what: 'receiver', pid: 1, seconds: 10 });
  const values = { disk: 'disk.2', reason: 'i/o error' };
  let listener: (report: ReceiverReport) => void = () => undefined;
  // Of a receiver's process no more than this is needed.
  const worker = {
    ended: new Promise<void>(() => undefined),
    listen: (heard: typeof listener) => (listener = heard),
    send: () => listener({ is: 'failed', code: 'mover_read_failed', values }),
  } as unknown as ReceiverProcess;
  const heard: unknown[] = [];
  const reading = rereadStaged(
    {
      take: () => Promise.resolve(worker),
      recycle: () => undefined,
      discard: () => Promise.reject(stuck),
    },
    { migration_id: newMigrationId(), folder: '/folder', disks: [], journal_path: '/journal' },
    {
      watch: { signal: new AbortController().signal, onProgress: () => undefined },
      onStuck: (error) => heard.push(error),
    },
  );
  await expect(reading).rejects.toMatchObject({ code: 'mover_read_failed', values });
  expect(heard).toEqual([stuck]);
});
