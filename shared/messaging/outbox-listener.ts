import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '../logging/logger.ts';
import { OUTBOX_CHANNEL } from '../database/outbox.ts';

export interface OutboxListenerOptions {
  readonly connection: string;
  readonly application_name: string;
  readonly log: Logger;
  readonly onNotified: () => void;
}

const HEARTBEAT_MILLISECONDS = 20_000;
const RECONNECT_MILLISECONDS_MAX = 10_000;

/**
 * LISTEN on a database connection of its own, which comes back by itself. It only accelerates: the publisher's poll
 * is the guarantee, so nothing here may fail its owner.
 */
export function startOutboxListener(options: OutboxListenerOptions): { close(): Promise<void> } {
  const closing = new AbortController();
  let client: pg.Client | null = null;

  const listen = async (): Promise<void> => {
    const current = new pg.Client({
      connectionString: options.connection,
      application_name: options.application_name,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    });
    client = current;
    const ended = new Promise<void>((resolve) => current.once('end', resolve));
    current.on('error', (error) =>
      options.log.debug({ reason: error.message }, 'outbox listener lost its connection'),
    );
    current.on('notification', options.onNotified);
    try {
      await current.connect();
      await current.query(`listen ${OUTBOX_CHANNEL}`);
      // What was written while nobody listened.
      options.onNotified();
      while (!closing.signal.aborted) {
        const waited = delay(HEARTBEAT_MILLISECONDS, 'waited' as const, { signal: closing.signal }).catch(
          () => 'closing' as const,
        );
        if ((await Promise.race([ended.then(() => 'ended' as const), waited])) !== 'waited') return;
        // A peer that vanished without a word is noticed only by asking it.
        await current.query('select 1');
      }
    } finally {
      await current.end().catch(() => {});
    }
  };

  const keepListening = async (): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted; failures += 1) {
      const started_at = performance.now();
      await listen().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        options.log.warn({ reason }, 'cannot listen to the outbox; it is polled meanwhile');
      });
      if (performance.now() - started_at > HEARTBEAT_MILLISECONDS) failures = 0;
      const pause = Math.min(RECONNECT_MILLISECONDS_MAX, 100 * 2 ** failures) * (0.8 + Math.random() * 0.4);
      await delay(pause, undefined, { signal: closing.signal }).catch(() => {});
    }
  };

  const running = keepListening();
  return {
    close: async () => {
      closing.abort();
      await client?.end().catch(() => {});
      await running;
    },
  };
}
