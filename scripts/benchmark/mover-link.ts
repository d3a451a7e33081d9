import { connect, createServer, type Socket } from 'node:net';

/** A link of a limited rate, or of a long way, between two ends of this machine; it also counts. */
export interface BenchLink {
  readonly port: number;
  /** What has gone to the target so far, over all connections. */
  readonly sent_bytes: () => number;
  /** Connections that are open at this moment, and those that were made so far. */
  readonly open: () => number;
  readonly made: () => number;
  close(): Promise<void>;
}

export interface BenchLinkOptions {
  /** Of all connections together, towards the target. 0: no limit. */
  readonly bytes_per_second?: number;
  /** Each way. */
  readonly delay_milliseconds?: number;
}

/** What a paused end may have sent before it notices. */
const BURST_SECONDS = 0.02;
/** On their way, per direction of a connection. */
const UNDER_WAY_BYTES_MAX = 32 * 1024 * 1024;

export async function startLink(target_port: number, options: BenchLinkOptions): Promise<BenchLink> {
  const { bytes_per_second = 0, delay_milliseconds = 0 } = options;
  const sockets = new Set<Socket>();
  let sent_bytes = 0;
  let made = 0;
  /** When what has been let through would have gone through the limited link. */
  let free_at = 0;
  /** @returns how long the sender must wait */
  const wait = (bytes: number): number => {
    sent_bytes += bytes;
    if (bytes_per_second === 0) return 0;
    const now = performance.now();
    free_at = Math.max(free_at, now) + (bytes / bytes_per_second) * 1000;
    return free_at - now - BURST_SECONDS * 1000;
  };
  const server = createServer({ allowHalfOpen: true }, (from) => {
    made += 1;
    const to = connect({ host: '127.0.0.1', port: target_port, allowHalfOpen: true });
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        from.destroy();
        to.destroy();
      });
    }
    carry(from, to, delay_milliseconds, wait);
    carry(to, from, delay_milliseconds, () => 0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    sent_bytes: () => sent_bytes,
    open: () => sockets.size / 2,
    made: () => made,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function carry(from: Socket, to: Socket, delay_milliseconds: number, wait: (bytes: number) => number): void {
  let under_way_bytes = 0;
  let held = false;
  const resume = (): void => {
    if (!held && under_way_bytes <= UNDER_WAY_BYTES_MAX && !to.writableNeedDrain) from.resume();
  };
  const arrive = (chunk: Buffer): void => {
    under_way_bytes -= chunk.length;
    if (to.writable) to.write(chunk);
    resume();
  };
  from.on('data', (chunk: Buffer) => {
    under_way_bytes += chunk.length;
    if (delay_milliseconds > 0) setTimeout(arrive, delay_milliseconds, chunk);
    else arrive(chunk);
    const milliseconds = wait(chunk.length);
    if (milliseconds > 0) {
      held = true;
      setTimeout(() => {
        held = false;
        resume();
      }, milliseconds);
    }
    if (held || under_way_bytes > UNDER_WAY_BYTES_MAX || to.writableNeedDrain) from.pause();
  });
  to.on('drain', resume);
  from.on('end', () => setTimeout(() => to.end(), delay_milliseconds));
}
