import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planSweep, type SweepInput } from '../../../services/compute-agent/images/cache-sweep.ts';

const HOUR = 3_600_000;
const plan = (change: Partial<SweepInput> & { readonly chain?: Readonly<Record<string, string | null>> }) =>
  planSweep({
    files: new Map(Object.entries(change.chain ?? { a: null }).map(([name, below]) => [name, { below }])),
    used: new Set(),
    unused_since: {},
    now_milliseconds: 100 * HOUR,
    minimum_age_seconds: 24 * 3600,
    ...change,
  });

describe('what a sweep does with a file', () => {
  test.each<[string, Parameters<typeof plan>[0], readonly string[], Readonly<Record<string, number>>]>([
    ['used: it stays and its time is forgotten', { used: new Set(['a']), unused_since: { a: 0 } }, [], {}],
    ['unused for the first time', {}, [], { a: 100 * HOUR }],
    ['unused for not long enough', { unused_since: { a: 77 * HOUR } }, [], { a: 77 * HOUR }],
    ['unused for long enough', { unused_since: { a: 76 * HOUR } }, ['a'], {}],
    [
      'unused since tomorrow: the clock was set back',
      { unused_since: { a: 200 * HOUR } },
      [],
      { a: 100 * HOUR },
    ],
    ['gone: nothing of it is kept', { chain: {}, unused_since: { a: 1 } }, [], {}],
    ['unused, with no age asked for', { minimum_age_seconds: 0 }, ['a'], {}],
    [
      'beneath one that is used, two levels down',
      { chain: { a: 'b', b: 'c', c: null }, used: new Set(['a']), unused_since: { b: 0, c: 0 } },
      [],
      {},
    ],
    [
      'beneath one that is not ripe',
      { chain: { a: 'b', b: null }, unused_since: { a: 90 * HOUR, b: 0 } },
      [],
      { a: 90 * HOUR, b: 0 },
    ],
    [
      'beneath one that goes, too',
      { chain: { a: 'b', b: null }, unused_since: { a: 0, b: 0 } },
      ['a', 'b'],
      {},
    ],
    ['in a circle', { chain: { a: 'b', b: 'a' }, used: new Set(['a']), unused_since: { b: 0 } }, [], {}],
  ])('%s', (_, input, evict, unused_since) => {
    expect(plan(input)).toEqual({ evict, unused_since });
  });
});

test('whatever is there, nothing goes that is used or that something stands on which stays', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const chain = fc.dictionary(name, fc.option(name));
  const times = fc.dictionary(name, fc.integer({ min: -HOUR, max: 300 * HOUR }));
  fc.assert(
    fc.property(
      chain,
      fc.uniqueArray(name),
      times,
      fc.nat({ max: 200 * 3600 }),
      (links, users, since, age) => {
        const { evict } = plan({
          chain: links,
          used: new Set(users),
          unused_since: since,
          minimum_age_seconds: age,
        });
        const staying = Object.keys(links).filter((file) => !evict.includes(file));
        for (const gone of evict) {
          expect(users).not.toContain(gone);
          expect(staying.map((file) => links[file])).not.toContain(gone);
          expect(100 * HOUR - Math.min(since[gone] ?? 100 * HOUR, 100 * HOUR)).toBeGreaterThanOrEqual(
            age * 1000,
          );
        }
      },
    ),
  );
});
