import { expect, it } from 'vitest';
import type { PlacementSettings } from '../../../../services/scheduler/placement/settings.ts';
import { columnsOf, createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { weighHosts } from '../../../../services/scheduler/placement/weighing.ts';
import { weighers } from '../../../../services/scheduler/placement/weighers/registry.ts';
import type { Weigher } from '../../../../services/scheduler/placement/weighers/weigher.ts';
import { request, settings, type HostBuilder, type RequestBuilder } from './builders.ts';

export interface WeigherCase {
  readonly hosts: readonly HostBuilder[];
  readonly request?: RequestBuilder;
  readonly settings?: PlacementSettings;
  /** Raw numbers, beside the hosts. */
  readonly raw?: readonly number[];
  /** Weights, beside the hosts. */
  readonly weights: readonly number[];
  readonly warnings?: readonly string[];
}

export function checkWeigher(weigher: Weigher, cases: Readonly<Record<string, WeigherCase>>): void {
  it('is registered under its own name', () => {
    expect(weighers.get(weigher.name)).toBe(weigher);
  });
  it.each(Object.entries(cases))('%s', (_, given) => {
    const snapshot = createSnapshot(given.hosts.map(({ state }) => state));
    const columns = columnsOf(snapshot);
    const rows = Int32Array.from(given.hosts.keys());
    const warnings = new Set<string>();
    const { weights, partsAt } = weighHosts(
      rows,
      columns,
      snapshot.hosts,
      [weigher],
      {
        request: (given.request ?? request()).request,
        settings: given.settings ?? settings(),
        warn: (text) => warnings.add(text),
      },
      columns.takeScratch(),
    );
    expect([...weights].map((weight) => weight + 0)).toEqual(
      given.weights.map((weight) => expect.closeTo(weight, 9)),
    );
    if (given.raw !== undefined)
      expect([...rows.keys()].map((place) => partsAt(place)[0]!.raw)).toEqual(given.raw);
    for (const place of rows.keys()) {
      const part = partsAt(place)[0]!;
      expect(part.normalised * part.multiplier).toBeCloseTo(given.weights[place]!, 9);
    }
    if (given.warnings !== undefined) {
      expect([...warnings]).toHaveLength(given.warnings.length);
      for (const [index, part] of given.warnings.entries()) expect([...warnings][index]).toContain(part);
    }
  });
}
