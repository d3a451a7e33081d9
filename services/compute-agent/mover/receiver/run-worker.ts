import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CpuShare } from '../cpu-share.ts';
import type { ByteStreams } from '../frame-connection.ts';
import { digestDisks } from './digest-disks.ts';
import type { RelayKind } from './relay.ts';
import { openPipes, PipesUnreachable } from './relayed-pipes.ts';
import { Receiver } from './serve.ts';
import type { ReceiverReport, ReceiverRequest } from './worker-messages.ts';

/** @param cpu what it may take of the host */
export function runReceiverWorker(cpu: CpuShare): void {
  let receiver: Receiver | null = null;
  let digesting: AbortController | null = null;
  let served = 0;
  /** Connections whose pipes are being opened. */
  let arriving = 0;
  let stops = 0;

  const report = (message: ReceiverReport): void => {
    // The agent may just have gone: then nobody is left to tell.
    if (process.connected) process.send?.(message, () => undefined);
  };
  const endWithoutAgent = (): void => {
    if (!process.connected && (receiver === null || receiver.idle) && arriving === 0 && digesting === null)
      process.exit(0);
  };

  /** @returns null when there is nothing to talk over */
  const arrive = async (relay: RelayKind, socket: Socket): Promise<Duplex | ByteStreams | null> => {
    if (relay === 'bytes') return socket;
    socket.on('error', () => undefined);
    const stops_before = stops;
    arriving += 1;
    try {
      const streams = await openPipes(socket);
      if (stops === stops_before) return streams;
      streams.input.destroy();
      streams.output.destroy();
    } catch (error) {
      if (error instanceof PipesUnreachable) report({ is: 'pipes_unreachable', reason: error.message });
    } finally {
      arriving -= 1;
    }
    return null;
  };

  const serve = async (
    { admitted, relay }: Extract<ReceiverRequest, { do: 'serve' }>,
    socket: Socket,
  ): Promise<void> => {
    if (receiver?.migration_id !== admitted.migration_id) receiver = new Receiver(admitted, cpu);
    const serving = receiver;
    const streams = await arrive(relay, socket);
    if (streams !== null) await serving.serve(streams);
    // The session of an sshd ends with its relay, and that with this.
    if (streams !== socket) socket.destroy();
    if (serving.idle && arriving === 0 && receiver === serving) {
      receiver = null;
      report({ is: 'idle', served });
      endWithoutAgent();
    }
  };

  const digest = async (request: Extract<ReceiverRequest, { do: 'digest' }>): Promise<void> => {
    digesting = new AbortController();
    const onProgress = (processed_bytes: number, total_bytes: number): void =>
      report({ is: 'digest_progress', processed_bytes, total_bytes });
    report(await digestDisks(request, { onProgress, signal: digesting.signal, cpu }));
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
        void serve(request, socket);
        return;
      case 'stop': {
        stops += 1;
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
