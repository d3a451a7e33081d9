import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentMetrics } from '../../../services/compute-agent/metrics.ts';
import { schedulerMetrics } from '../../../services/scheduler/metrics.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { listenForScrapes } from '../../../shared/metrics/metrics-listener.ts';
import { MetricSet } from '../../../shared/metrics/metric-set.ts';

const log = createLogger({ process_name: 'test', level: 'silent' });
const documented = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');

/** The names and types of one part of the documents. */
function promisedIn(part: string): readonly string[] {
  const [, rest = ''] = documented.split(`## ${part}\n`);
  const [section = ''] = rest.split('\n## ');
  return [...section.matchAll(/^\| `(\w+)` +\| (\w+)/gm)].map(([, name, type]) => `${name} ${type}`);
}

const figures = { running: 2, paused: 1, connections: 5, sent_bytes: 700, limit_bytes_per_second: 9 };

test.each([
  ['A scheduler', () => schedulerMetrics().set],
  ['An agent', () => agentMetrics(() => figures).set],
] as const)('%s shows what is documented, and its own process', async (part, make) => {
  const listener = await listenForScrapes('127.0.0.1:0', [make().withProcessFigures()], log);
  try {
    const answer = await fetch(listener.url ?? '');
    expect(answer.status).toBe(200);
    const text = await answer.text();
    const found = [...text.matchAll(/^# TYPE (drover_\S+) (\S+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    expect(found.toSorted()).toEqual(promisedIn(part).toSorted());
    expect(found).not.toEqual([]);
    expect(text).toContain('process_resident_memory_bytes');
    const elsewhere = await fetch(new URL('/other', listener.url ?? ''));
    expect(elsewhere.status).toBe(404);
  } finally {
    await listener.close();
  }
});

test('bytes that are asked for twice are counted once', async () => {
  const { set } = agentMetrics(() => figures);
  await set.text();
  const text = await set.text();
  expect(text).toContain('drover_agent_sent_bytes_total 700');
  expect(text).toContain('drover_agent_transfers{state="paused"} 1');
});

test('who asks while a scrape is made shares it', async () => {
  const set = new MetricSet();
  let scrapes = 0;
  const { promise: read, resolve } = Promise.withResolvers<void>();
  set.beforeScrape(async () => {
    scrapes += 1;
    await read;
  });
  const both = [set.text(), set.text()];
  resolve();
  await Promise.all(both);
  expect(scrapes).toBe(1);
  await set.text();
  expect(scrapes).toBe(2);
});

test('nobody listens unless told to; what cannot be read is no crash', async () => {
  expect((await listenForScrapes(null, [new MetricSet()], log)).url).toBeNull();
  const set = new MetricSet();
  set.beforeScrape(() => {
    throw new Error('the database is away');
  });
  const listener = await listenForScrapes('[::1]:0', [set], log);
  expect((await fetch(listener.url ?? '')).status).toBe(503);
  await listener.close();
});
