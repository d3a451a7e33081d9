import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
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
  const arriving = new Set<Socket>();
  const under_way = new Set<Promise<void>>();
  let stops = 0;

  const report = (message: ReceiverReport): void => {
    // The agent may just have gone: then nobody is left to tell.
    if (process.connected) process.send?.(message, () => undefined);
  };
  const endWithoutAgent = (): void => {
    if (
      !process.connected &&
      (receiver === null || receiver.idle) &&
      arriving.size === 0 &&
      digesting === null
    )
      process.exit(0);
  };

  /** @returns null when there is nothing to talk over */
  const arrive = async (relay: RelayKind, socket: Socket): Promise<Duplex | ByteStreams | null> => {
    if (relay === 'bytes') return socket;
    socket.on('error', () => undefined);
    arriving.add(socket);
    try {
      return await openPipes(socket);
    } catch (error) {
      if (error instanceof PipesUnreachable) report({ is: 'pipes_unreachable', reason: error.message });
      return null;
    } finally {
      arriving.delete(socket);
    }
  };

  const serve = async (
    { admitted, relay }: Extract<ReceiverRequest, { do: 'serve' }>,
    socket: Socket,
  ): Promise<void> => {
    if (receiver?.migration_id !== admitted.migration_id) receiver = new Receiver(admitted, cpu);
    const serving = receiver;
    const stops_before = stops;
    const streams = await arrive(relay, socket);
    if (streams !== null && stops === stops_before) await serving.serve(streams);
    if (streams !== null && !(streams instanceof Duplex)) closePipes(streams, stops !== stops_before);
    // The session of an sshd ends with its relay, and that with this.
    if (streams !== socket) socket.destroy();
    // Who has stopped us hears that, and nothing after it: we may be somebody else's by then.
    if (stops === stops_before && serving.idle && arriving.size === 0 && receiver === serving) {
      receiver = null;
      report({ is: 'idle', served });
      endWithoutAgent();
    }
  };

  const stop = async (): Promise<void> => {
    stops += 1;
    for (const socket of arriving) socket.destroy();
    await receiver?.stop();
    await Promise.all(under_way);
    receiver = null;
    report({ is: 'stopped' });
    endWithoutAgent();
  };

  const track = (serving: Promise<void>): void => {
    under_way.add(serving);
    void serving.finally(() => under_way.delete(serving));
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
        track(serve(request, socket));
        return;
      case 'stop':
        void stop();
        return;
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

/**
 * An input that was given up in the middle would stay open, with its memory, as long as the process. The output still
 * tells the other side why, unless nobody is to be told.
 */
function closePipes({ input, output }: ByteStreams, at_once: boolean): void {
  input.destroy();
  if (at_once) output.destroy();
}
