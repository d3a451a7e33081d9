import type { Logger } from '../../../shared/logging/logger.ts';
import { Sweeper } from '../sweeper.ts';
import type { Removals } from './removal.ts';

const INTERVAL_SECONDS = 60;

/**
 * Goes on with removals that could not be finished: a volume was in use, its group was away. The command that asked for one
 * was answered with a failure and may have been given up since.
 */
export class RemovalSweeper extends Sweeper {
  readonly #removals: Pick<Removals, 'finishAll'>;
  readonly #log: Logger;

  constructor(options: { readonly removals: Pick<Removals, 'finishAll'>; readonly log: Logger }) {
    super({ interval_seconds: INTERVAL_SECONDS, failure: 'removals were not finished', log: options.log });
    this.#removals = options.removals;
    this.#log = options.log;
  }

  protected async sweep(): Promise<void> {
    for (const { folder, reason } of await this.#removals.finishAll())
      this.#log.warn({ folder, reason }, 'a removal is not finished: it is tried again');
  }
}
