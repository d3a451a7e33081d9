import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../../../services/scheduler/placement/decide.ts';
import { checkHost } from '../../../../services/scheduler/placement/filters/filter.ts';
import { sentence } from '../../../../services/scheduler/placement/rejections.ts';
import type { Decision, DecisionRecord } from '../../../../services/scheduler/placement/decision.ts';
import type { HostState } from '../../../../services/scheduler/placement/model.ts';
import { plan } from '../../../../services/scheduler/placement/plan.ts';
import { decisionOf, recordOf, replay } from '../../../../services/scheduler/placement/record.ts';
import { rulesFor } from '../../../../services/scheduler/placement/rules.ts';
import type { PlacementSettings } from '../../../../services/scheduler/placement/settings.ts';
import { advance, createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { dumpCluster } from '../../../../services/scheduler/placement/text-form/dump.ts';
import { loadCluster } from '../../../../services/scheduler/placement/text-form/load.ts';
import { anyHosts, anyRequest, anySeed, anySettings } from './fleet.ts';

const throughJson = (decision: Decision): DecisionRecord =>
  JSON.parse(JSON.stringify(decision)) as DecisionRecord;

describe('placement', () => {
  it('filters in columns as it would host by host, with the same words', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const decision = decide(createSnapshot(hosts), request, settings, seed);
        const context = { request, settings };
        const rules = rulesFor(settings, false).filter(({ name }) => name !== 'HostSelection');
        const by_name = new Map([...decision.rejections].map((rejection) => [rejection.host, rejection]));
        const selected = (host: HostState) =>
          !request.ignore_hosts.some((name) => name.toLowerCase() === host.name.toLowerCase()) &&
          (request.requested_host === null || request.requested_host === host.name);
        for (const host of hosts) {
          const failed = rules
            .map((filter) => ({ filter, verdict: checkHost(filter.prepare(context), host) }))
            .find(({ verdict }) => !verdict.pass);
          const rejection = by_name.get(host.name);
          if (!selected(host)) expect(rejection?.filter).toBe('HostSelection');
          else expect(rejection?.filter).toBe(failed?.filter.name);
          if (selected(host) && failed?.verdict.pass === false) {
            const { code, message, asked, available } = failed.verdict;
            expect([rejection?.code, rejection?.message]).toEqual([
              code,
              sentence(message, asked, available),
            ]);
          }
        }
      }),
    );
  });

  it('agrees with a plain reading of the capacity rule', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, (hosts, request, settings) => {
        const decision = decide(createSnapshot(hosts), request, withoutFilters(settings), '');
        for (const host of hosts) {
          const fits = (['VCPU', 'MEMORY_MB', 'DISK_GB'] as const).every((name) => {
            const asked = request.resources[name] ?? 0;
            const has = host.inventories[name]!;
            const limit = (has.total - has.reserved) * has.allocation_ratio;
            return asked === 0 || (has.used + asked <= limit + 1e-9 && asked <= has.max_unit);
          });
          const rejection = decision.rejections.of(host.name);
          if (rejection === undefined) expect(fits).toBe(true);
          if (rejection?.filter === 'Capacity') expect(fits).toBe(false);
        }
      }),
    );
  });

  it('accounts for every host exactly once', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const decision = decide(createSnapshot(hosts), request, settings, seed);
        expect(decision.rejections.length + decision.weighed).toBe(hosts.length);
        expect(new Set([...decision.rejections].map(({ host }) => host)).size).toBe(
          decision.rejections.length,
        );
        expect(decision.survivors.at(-1)?.hosts ?? hosts.length).toBe(decision.weighed);
      }),
    );
  });

  it('never chooses a host that a filter rejects, and always chooses when one passes', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const decision = decide(createSnapshot(hosts), request, settings, seed);
        for (const host of [decision.chosen, ...decision.alternates]) {
          if (host !== null) expect(decision.rejections.of(host)).toBeUndefined();
        }
        expect(decision.chosen === null).toBe(decision.weighed === 0);
        expect(decision.no_valid_host === null).toBe(decision.chosen !== null);
        expect(decision.alternates).toHaveLength(
          Math.max(0, Math.min(settings.scheduler.max_attempts, decision.weighed) - 1),
        );
        expect(new Set([decision.chosen, ...decision.alternates]).size).toBe(decision.alternates.length + 1);
      }),
    );
  });

  it('finds a host in a larger cluster when it found one in a smaller', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const fewer = decide(createSnapshot(hosts.slice(0, -1)), request, settings, seed);
        const all = decide(createSnapshot(hosts), request, settings, seed);
        if (fewer.chosen !== null) expect(all.chosen).not.toBeNull();
      }),
    );
  });

  it('gives the same answer twice, and from its record', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const decision = decide(createSnapshot(hosts), request, settings, seed);
        const again = decide(createSnapshot(hosts), request, settings, seed);
        expect(recordOf(again)).toEqual(recordOf(decision));
        const record = throughJson(decision);
        expect(replay(record)).toEqual({
          chosen: decision.chosen,
          alternates: decision.alternates,
          no_valid_host: decision.no_valid_host,
        });
        const back = decisionOf(record);
        expect([...back.rejections].map(({ host, message }) => `${host} ${message}`).toSorted()).toEqual(
          [...decision.rejections].map(({ host, message }) => `${host} ${message}`).toSorted(),
        );
        expect(back.request.server_group?.members).toEqual(decision.request.server_group?.members);
        expect(throughJson(back)).toEqual(record);
      }),
    );
  });

  it('plans what it then does', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const snapshot = createSnapshot(hosts);
        const planned = plan(snapshot, [{ request, seed }], settings);
        expect(planned.decisions[0]?.chosen).toBe(decide(snapshot, request, settings, seed).chosen);
        expect(planned.snapshot_version).toBe(snapshot.version);
      }),
    );
  });

  it('never overcommits in a plan', () => {
    fc.assert(
      fc.property(
        anyHosts,
        fc.array(anyRequest, { maxLength: 6 }),
        anySettings,
        (hosts, requests, settings) => {
          const { after } = plan(
            createSnapshot(hosts),
            requests.map((request, index) => ({ request, seed: String(index) })),
            settings,
          );
          for (const [index, host] of after.hosts.entries()) {
            for (const name of ['VCPU', 'MEMORY_MB', 'DISK_GB'] as const) {
              const { total, reserved, allocation_ratio, used } = host.inventories[name]!;
              if (used === hosts[index]!.inventories[name]!.used) continue;
              expect(used).toBeLessThanOrEqual((total - reserved) * allocation_ratio);
            }
          }
        },
      ),
    );
  });

  it('decides the same on an advanced snapshot as on a new one', () => {
    fc.assert(
      fc.property(
        anyHosts,
        anyHosts,
        anyRequest,
        anySettings,
        anySeed,
        (before, after, request, settings, seed) => {
          const names = new Set(after.map(({ name }) => name));
          const advanced = advance(createSnapshot(before), {
            changed: after,
            removed: before.map(({ name }) => name).filter((name) => !names.has(name)),
          });
          const fresh = decide(createSnapshot(after), request, settings, seed);
          const moved = decide(advanced, request, settings, seed);
          expect({ ...recordOf(moved), snapshot_version: 0 }).toEqual({
            ...recordOf(fresh),
            snapshot_version: 0,
          });
        },
      ),
    );
  });

  it('decides the same on a cluster that was written as text and read back', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const snapshot = createSnapshot(hosts, 7);
        const text = dumpCluster(snapshot);
        const loaded = loadCluster(text);
        expect(dumpCluster(loaded)).toBe(text);
        expect(recordOf(decide(loaded, request, settings, seed))).toEqual(
          recordOf(decide(snapshot, request, settings, seed)),
        );
      }),
    );
  });

  it('weighs as the published formula says', () => {
    fc.assert(
      fc.property(anyHosts, anyRequest, anySettings, anySeed, (hosts, request, settings, seed) => {
        const { ranked } = decide(createSnapshot(hosts), request, settings, seed);
        for (const { weight, parts } of ranked) {
          const sum = parts.reduce((total, part) => total + part.multiplier * part.normalised, 0);
          expect(weight).toBeCloseTo(sum, 9);
          for (const { normalised } of parts) {
            expect(normalised).toBeGreaterThanOrEqual(0);
            expect(normalised).toBeLessThanOrEqual(1);
          }
        }
        for (const [index, { weight }] of ranked.entries()) {
          expect(weight).toBeLessThanOrEqual(ranked[index - 1]?.weight ?? Number.POSITIVE_INFINITY);
        }
      }),
    );
  });
});

function withoutFilters(settings: PlacementSettings): PlacementSettings {
  return { ...settings, filter_scheduler: { ...settings.filter_scheduler, enabled_filters: [] } };
}
