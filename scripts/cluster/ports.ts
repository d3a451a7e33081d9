import { createServer, type Server } from 'node:net';
import { randomInt } from 'node:crypto';

/** Below the range that the kernel hands to outgoing connections, so that a restarted process finds its port free. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const TRIES_MAX = 200;

function listen(address: string, port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: address, port, exclusive: true }, () => resolve(server));
  });
}

/** `count` different TCP ports that nobody listens on at `address` now. Random, so that two clusters started together differ. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const held = new Map<number, Server>();
  try {
    for (let tries = 0; held.size < count; tries += 1) {
      if (tries > TRIES_MAX) throw new Error(`found no ${count} free TCP ports on ${address}`);
      const port = randomInt(LOWEST, HIGHEST);
      if (held.has(port)) continue;
      const server = await listen(address, port);
      if (server !== null) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
