import { expect, it } from 'vitest';
import { filterHosts } from '../../../../services/scheduler/placement/filtering.ts';
import { checkHost, type Filter } from '../../../../services/scheduler/placement/filters/filter.ts';
import { filters } from '../../../../services/scheduler/placement/filters/registry.ts';
import type { PlacementSettings } from '../../../../services/scheduler/placement/settings.ts';
import { columnsOf, createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { request, settings, type HostBuilder, type RequestBuilder } from './builders.ts';

export interface FilterCase {
  readonly hosts: readonly HostBuilder[];
  readonly request?: RequestBuilder;
  readonly settings?: PlacementSettings;
  /** Names of the hosts that pass, in order. */
  readonly passes: readonly string[];
  /** Host → the whole sentence why not, or a part of it. */
  readonly rejects?: Readonly<Record<string, string>>;
}

/** Runs each case through the loop that decisions use, and through the host-by-host form, which must agree. */
export function checkFilter(
  filter: Filter,
  cases: Readonly<Record<string, FilterCase>>,
  registered = true,
): void {
  if (registered) {
    it('is registered under its own name', () => {
      expect(filters.get(filter.name)).toBe(filter);
    });
  }
  it.each(Object.entries(cases))('%s', (_, given) => {
    const context = {
      request: (given.request ?? request()).request,
      settings: given.settings ?? settings(),
    };
    const snapshot = createSnapshot(given.hosts.map(({ state }) => state));
    const columns = columnsOf(snapshot);
    const { rows, rejections } = filterHosts(
      columns,
      snapshot.hosts,
      [filter],
      context,
      columns.takeScratch(),
    );
    const passed = [...rows].map((row) => snapshot.hosts[row]!.name as string);
    const reasons = Object.fromEntries([...rejections].map(({ host, message }) => [host, message]));

    expect(passed).toEqual(given.passes);
    expect(Object.keys(reasons).toSorted()).toEqual(
      given.hosts
        .map(({ state }) => state.name as string)
        .filter((name) => !given.passes.includes(name))
        .toSorted(),
    );
    for (const [name, part] of Object.entries(given.rejects ?? {})) expect(reasons[name]).toContain(part);
    if (readsOtherHosts.has(filter.name)) return;
    for (const { state } of given.hosts) {
      const verdict = checkHost(filter.prepare(context), state);
      expect([state.name, verdict.pass]).toEqual([state.name, passed.includes(state.name)]);
    }
  });
}

/** Rules about the whole cluster, which have no answer for a host alone. */
const readsOtherHosts = new Set(['TenantAggregate']);
