import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy to one port of 127.0.0.1 that can cut its connections, or let them hang. */
export interface CuttingProxy {
  readonly port: number;
  /** Connections made so far. */
  readonly made: () => number;
  cut(): void;
  /** Cuts the one that was made as the so-many-th, from 0. */
  cutOne(place: number): void;
  /** Lets nothing through any more, without closing anything. */
  hang(): void;
  close(): Promise<void>;
}

/** @param held_after_bytes so much of what comes in by the first connection is let through, and no more */
export async function startCuttingProxy(
  target_port: number,
  held_after_bytes = Infinity,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const senders: Socket[] = [];
  let made = 0;
  let hanging = false;
  const server = createServer((from) => {
    made += 1;
    senders.push(from);
    const to = connect({ host: '127.0.0.1', port: target_port });
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        from.destroy();
        to.destroy();
      });
    }
    if (!hanging) {
      from.pipe(to);
      to.pipe(from);
    }
    if (made > 1) return;
    let passed_bytes = 0;
    from.on('data', (bytes: Buffer) => {
      passed_bytes += bytes.length;
      if (passed_bytes < held_after_bytes) return;
      from.unpipe(to);
      from.pause();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    made: () => made,
    cut,
    cutOne: (place) => senders[place]?.resetAndDestroy(),
    hang: () => {
      hanging = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    close: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
