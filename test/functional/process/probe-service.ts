/** A service that does what PROBE says; for run-service.test.ts. */
import { pbkdf2 } from 'node:crypto';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { runService } from '../../../shared/process/run-service.ts';

const behaviour = process.env['PROBE'];

await runService({ process_name: 'probe', close_timeout_seconds: 1 }, async ({ stop, log }) => {
  // The thread that writes the log (the test leaves it one) is always at something else first.
  const hash = () => pbkdf2('x', 'x', 100_000, 64, 'sha512', hash);
  if (behaviour === 'is busy and fails') {
    hash();
    log.info('starting');
    log.info('still starting');
    throw new Error('a mistake');
  }
  if (behaviour === 'start fails')
    throw new DroverError('broker_unavailable', { broker: 'h:1', reason: 'refused' });
  const alive = setInterval(() => {}, 60_000);
  if (behaviour === 'throws')
    setImmediate(() => {
      throw new Error('a mistake');
    });
  if (behaviour === 'rejects') setImmediate(() => void Promise.reject(new Error('a mistake')));
  if (behaviour === 'stops') setImmediate(stop);
  if (behaviour === 'is busy') hash();
  return {
    ready: { port: 1234 },
    close: async () => {
      if (behaviour === 'hangs') await new Promise(() => {});
      clearInterval(alive);
    },
  };
});
