import type { Pool } from '../../../shared/database/connect.ts';
import type { Logger } from '../../../shared/logging/logger.ts';

const PAUSE_MILLISECONDS = 10 * 60 * 1000;

/**
 * Removes expired tokens now and then. They let nobody in (readToken looks at the time), so being late or
 * failing costs only space.
 * @returns ends it
 */
export function removeExpiredTokens(pool: Pool, log: Logger): () => void {
  const sweep = () => {
    pool.query(`delete from tokens where expires_at < now()`).then(
      ({ rowCount }) => log.debug({ removed: rowCount }, 'removed expired tokens'),
      (error: unknown) => log.warn({ error }, 'could not remove expired tokens; trying again later'),
    );
  };
  const timer = setInterval(sweep, PAUSE_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}
