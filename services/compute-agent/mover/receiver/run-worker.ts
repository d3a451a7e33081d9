import type { Socket } from 'node:net';
import { digestDisks } from './digest-disks.ts';
import { Receiver } from './serve.ts';
import type { Admitted } from './admitted.ts';
import type { ReceiverReport, ReceiverRequest } from './worker-messages.ts';

export function runReceiverWorker(): void {
  let receiver: Receiver | null = null;
  let digesting: AbortController | null = null;
  let served = 0;

  const report = (message: ReceiverReport): void => {
    // The agent may just have gone: then nobody is left to tell.
    if (process.connected) process.send?.(message, () => undefined);
  };
  const endWithoutAgent = (): void => {
    if (!process.connected && (receiver === null || receiver.idle) && digesting === null) process.exit(0);
  };

  const serve = async (admitted: Admitted, socket: Socket): Promise<void> => {
    if (receiver?.migration_id !== admitted.migration_id) receiver = new Receiver(admitted);
    const serving = receiver;
    await serving.serve(socket);
    if (serving.idle && receiver === serving) {
      receiver = null;
      report({ is: 'idle', served });
      endWithoutAgent();
    }
  };

  const digest = async (request: Extract<ReceiverRequest, { do: 'digest' }>): Promise<void> => {
    digesting = new AbortController();
    const onProgress = (processed_bytes: number, total_bytes: number): void =>
      report({ is: 'digest_progress', processed_bytes, total_bytes });
    report(await digestDisks(request, { onProgress, signal: digesting.signal }));
    digesting = null;
    endWithoutAgent();
  };

  process.on('message', (request: ReceiverRequest, socket: Socket | undefined) => {
    switch (request.do) {
      case 'serve':
        served += 1;
        // The sender's side may have hung up while the socket was on its way.
        if (socket === undefined) {
          if (receiver === null) report({ is: 'idle', served });
          return;
        }
        void serve(request.admitted, socket);
        return;
      case 'stop': {
        const stopped = receiver?.stop() ?? Promise.resolve();
        void stopped.then(() => report({ is: 'stopped' }));
        return;
      }
      case 'digest':
        void digest(request);
        return;
      case 'abort_digest':
        digesting?.abort();
        return;
    }
  });
  process.on('disconnect', endWithoutAgent);
  // The agent decides when its workers end; a signal to its process group is not for them.
  process.on('SIGINT', () => undefined);
  report({ is: 'ready' });
  endWithoutAgent();
}
