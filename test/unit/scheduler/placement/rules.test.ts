import { describe, expect, it } from 'vitest';
import { hostName } from '../../../../shared/domain/ids.ts';
import { decide } from '../../../../services/scheduler/placement/decide.ts';
import { pass, reject, type Filter } from '../../../../services/scheduler/placement/filters/filter.ts';
import { configuredFilters, configuredWeighers } from '../../../../services/scheduler/placement/rules.ts';
import { advance, createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { host, request, settings, type HostBuilder } from './builders.ts';

const cluster = (...hosts: readonly HostBuilder[]) => createSnapshot(hosts.map(({ state }) => state));

describe('the names of filters and weighers', () => {
  it('may carry the path of their module', () => {
    const options = settings({
      enabled_filters: ['nova.scheduler.filters.compute_filter.ComputeFilter', 'RamFilter'],
      weight_classes: ['nova.scheduler.weights.ram.RAMWeigher'],
    });
    expect(configuredFilters(options).map(({ name }) => name)).toEqual(['ComputeFilter', 'RamFilter']);
    expect(configuredWeighers(options).map(({ name }) => name)).toEqual(['RAMWeigher']);
  });

  it('are refused with the nearest ones', () => {
    expect(() => configuredFilters(settings({ enabled_filters: ['RamFliter'] }))).toThrow(
      /^Scheduler Host Filter RamFliter could not be found\. The nearest names are: RamFilter/,
    );
    expect(() => configuredWeighers(settings({ weight_classes: ['RamWeigher'] }))).toThrow(/RAMWeigher/);
  });

  it("a site's own filter runs where it is named", () => {
    const even: Filter = {
      name: 'EvenHostFilter',
      prepare: () => ({
        reads: 'host',
        check: ({ id }) =>
          id % 2 === 0 ? { pass: true } : reject('odd', 'has the odd number {available}', { available: id }),
      }),
    };
    const snapshot = cluster(host('a').with({ id: 1 }), host('b').with({ id: 2 }), host('c').with({ id: 3 }));
    const options = settings({ enabled_filters: ['EvenHostFilter'] }, { site_filters: [even] });
    const decision = decide(snapshot, request().request, options, '');
    expect(decision.chosen).toBe('b');
    expect(decision.rejections.of(hostName('c'))).toMatchObject({
      filter: 'EvenHostFilter',
      message: 'has the odd number 3',
    });
  });

  describe("a site's own rule about classes", () => {
    // As a site writes it: it cannot answer for a host that reports nothing of its processor.
    const avx: Filter = {
      name: 'AvxFilter',
      prepare: () => ({
        reads: 'class',
        check: ({ cpu_info }) =>
          (cpu_info as { features: string[] }).features.includes('avx')
            ? pass
            : reject('no_avx', 'has no avx'),
      }),
    };
    const options = settings({ enabled_filters: ['ComputeFilter', 'AvxFilter'] }, { site_filters: [avx] });
    const silent = host('silent').with({ cpu_info: {} }).disabled();
    const able = host('able').with({ cpu_info: { features: ['avx'] } });
    const old = host('old').with({ cpu_info: { features: ['sse'] } });

    it('is not asked about a host that a filter before it has left out', () => {
      const decision = decide(cluster(silent, able, old), request().request, options, '');
      expect(decision.chosen).toBe('able');
      expect(decision.rejections.of(hostName('old'))).toMatchObject({ message: 'has no avx' });
    });

    it('is not asked about what no host is any more', () => {
      const before = cluster(silent, able);
      const now = advance(before, {
        changed: [host('silent').with({ cpu_info: { features: ['avx'] } }).state],
      });
      expect(decide(now, request().request, options, '').weighed).toBe(2);
    });
  });
});
