import type { Pool } from '../../../shared/database/connect.ts';
import type { OperationId } from '../../../shared/domain/ids.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { isLimited, nextTurns, type TransferLimits } from '../migration/turn-queue.ts';
import { readTransferQueue } from './transfer-turns.ts';

export interface TurnKeeperOptions {
  readonly pool: Pool;
  readonly limits: TransferLimits;
  readonly log: Logger;
  /** Lets the operation look whether its turn has come. */
  readonly tell: (operation: OperationId) => Promise<unknown>;
  /** Told before each of them. */
  readonly onOffer?: () => void;
}

/**
 * Finds out whose turn it is when one was given back, or a new copy joined the queue. It only proposes: the operation
 * itself asks once more under the locks, so that two schedulers who propose the same do no harm.
 */
export class TurnKeeper {
  readonly #options: TurnKeeperOptions;
  #looking: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(options: TurnKeeperOptions) {
    this.#options = options;
  }

  /** One look. Called while one runs, it makes that one look once more. Never rejects: the next look tries again. */
  async look(): Promise<void> {
    if (this.#closed) return;
    this.#again = true;
    this.#looking ??= this.#run().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  /** Resolves when no look runs; none follows. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#looking;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#lookOnce();
      } catch (error) {
        this.#options.log.error({ error }, 'could not give turns to copy; the next look tries again');
      }
    }
  }

  async #lookOnce(): Promise<void> {
    const { pool, limits, tell, onOffer, log } = this.#options;
    const { waiting, running } = await readTransferQueue(pool);
    const ids = new Map(waiting.map(({ id }) => [id as string, id]));
    // In order: who stands further in front asks first. Without limits everybody may go who is not paused.
    const next = isLimited(limits)
      ? nextTurns(waiting, running, limits)
      : waiting.filter(({ paused }) => !paused);
    for (const { id } of next) {
      const operation = ids.get(id);
      if (operation === undefined) continue;
      onOffer?.();
      try {
        await tell(operation);
      } catch (error) {
        // One that cannot be driven must not keep those behind it from what is free.
        log.error({ error, operation }, 'could not offer a turn to copy; the next look tries again');
      }
    }
  }
}
