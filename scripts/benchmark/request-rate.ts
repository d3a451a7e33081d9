import { Agent, request } from 'node:http';
import { spreadOf, type Spread } from './spread.ts';

export interface RequestRate {
  readonly connections: number;
  readonly requests_per_second: number;
  readonly milliseconds: Spread;
}

export interface RateOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
}

/** Asks the same again and again over so many kept connections, each waiting for its answer. @throws Error for any status but 200 */
export async function measureRate(options: RateOptions): Promise<RequestRate> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const milliseconds: number[] = [];
  try {
    // Not counted: connections are opened, code is compiled.
    for (let warm = 0; warm < 20; warm += 1) await get(options, agent);
    const started = performance.now();
    const end = started + options.seconds * 1000;
    await Promise.all(
      Array.from({ length: options.connections }, async () => {
        while (performance.now() < end) {
          const began = performance.now();
          await get(options, agent);
          milliseconds.push(performance.now() - began);
        }
      }),
    );
    const seconds = (performance.now() - started) / 1000;
    return {
      connections: options.connections,
      requests_per_second: Math.round(milliseconds.length / seconds),
      milliseconds: spreadOf(milliseconds),
    };
  } finally {
    agent.destroy();
  }
}

function get(options: RateOptions, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(options.url, { agent, headers: options.headers }, (response) => {
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200
          ? resolve()
          : reject(new Error(`GET ${options.url}: ${response.statusCode}`)),
      );
      response.resume();
    });
    sent.on('error', reject);
    sent.end();
  });
}
