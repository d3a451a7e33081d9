import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logging/logger.ts';
import type { MetricSet } from './metric-set.ts';

export interface MetricsListener {
  /** Where a scraper finds them; null: nobody listens. */
  readonly url: string | null;
  close(): Promise<void>;
}

const nobody: MetricsListener = { url: null, close: () => Promise.resolve() };

/**
 * Serves the metrics of this process at `/metrics`, without any check of who asks: the address is to be one that only
 * scrapers reach.
 * @param listen `address:port`, `[address]:port`; null: nobody listens
 * @throws Error of the system when the address is taken
 */
export async function listenForScrapes(
  listen: string | null,
  sets: readonly MetricSet[],
  log: Logger,
): Promise<MetricsListener> {
  const [first] = sets;
  if (listen === null || first === undefined) return nobody;
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Metrics are at GET /metrics.\n');
      return;
    }
    textOf(sets).then(
      (text) => response.writeHead(200, { 'content-type': first.content_type }).end(text),
      (error: unknown) => {
        log.warn({ error }, 'metrics could not be read');
        response.writeHead(503, { 'content-type': 'text/plain' }).end('Metrics cannot be read now.\n');
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: Number(listen.slice(colon + 1)) }, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`,
    close: () => closeServer(server),
  };
}

/** Several sets as one scrape; their names do not overlap. */
export async function textOf(sets: readonly MetricSet[]): Promise<string> {
  const texts: string[] = [];
  for (const set of sets) texts.push(await set.text());
  return texts.join('\n');
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
