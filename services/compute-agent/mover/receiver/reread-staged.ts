import type { CommandResults } from '../../../../shared/messaging/commands.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { TransferWatch } from '../mover.ts';
import type { WorkerPool } from '../worker-pool.ts';
import { readingProgress } from './reading-progress.ts';
import type { ReceiverProcess } from './receiver-process.ts';
import type { ReceiverRequest } from './worker-messages.ts';

/**
 * Has a receiver read a migration's disks again, and end when that fails: it may hang.
 * @param options.onStuck hears of one that could not be ended; what had failed before says more, and is thrown
 * @throws DroverError mover_read_failed, and what else the receiver reports; the signal's reason
 */
export async function rereadStaged(
  pool: Pick<WorkerPool<ReceiverProcess>, 'take' | 'recycle' | 'discard'>,
  staged: Omit<Extract<ReceiverRequest, { readonly do: 'digest' }>, 'do'>,
  options: { readonly watch: TransferWatch; readonly onStuck: ((error: unknown) => void) | undefined },
): Promise<CommandResults['verify']> {
  const { watch, onStuck } = options;
  const worker = await pool.take();
  const started_at = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<CommandResults['verify']>();
  const abort = (): void => reject(watch.signal.reason);
  watch.signal.addEventListener('abort', abort, { once: true });
  void worker.ended.then(() => {
    reject(
      new DroverError('mover_read_failed', { disk: staged.folder, reason: 'the reading process ended' }),
    );
  });
  worker.listen((report) => {
    if (report.is === 'digested') resolve(report.reread);
    if (report.is === 'failed') reject(new DroverError(report.code, report.values));
    if (report.is === 'digest_progress')
      watch.onProgress(readingProgress(report, (performance.now() - started_at) / 1000));
  });
  worker.send({ do: 'digest', ...staged });
  try {
    const reread = await promise;
    pool.recycle(worker);
    return reread;
  } catch (error) {
    await pool.discard(worker).catch((stuck: unknown) => onStuck?.(stuck));
    throw error;
  } finally {
    watch.signal.removeEventListener('abort', abort);
  }
}
