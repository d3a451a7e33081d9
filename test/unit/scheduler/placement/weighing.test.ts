import { expect, test } from 'vitest';
import { decide } from '../../../../services/scheduler/placement/decide.ts';
import { createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { host, request, settings } from './builders.ts';

/** Sums over several weighers, worked out by hand from Nova's formula; one weigher by itself: weighers/. */
test.each([
  ['all of Nova’s defaults', settings(), { b: 3, a: 2.5, c: 2.25 }],
  ['multipliers scale each part', settings({ ram_weight_multiplier: 2 }), { b: 4, a: 3, c: 2.5 }],
  [
    'a part that stacks against parts that spread',
    settings({ ram_weight_multiplier: -2, cpu_weight_multiplier: 0.5 }),
    { c: 1, a: 0.5, b: -0.5 },
  ],
  [
    'a multiplier of 0 takes the part out',
    settings({ ram_weight_multiplier: 0, cpu_weight_multiplier: 0 }),
    { a: 1, b: 1, c: 1 },
  ],
])('%s', (_, given, weights) => {
  const hosts = [host('a').memory({ used: 32_768 }), host('b'), host('c').memory({ used: 49_152 })];
  const { ranked } = decide(
    createSnapshot(hosts.map(({ state }) => state)),
    request().request,
    given,
    'seed',
  );
  expect(ranked.map((each) => [each.host, each.weight])).toEqual(
    Object.entries(weights).map(([name, weight]) => [name, expect.closeTo(weight, 9)]),
  );
});
