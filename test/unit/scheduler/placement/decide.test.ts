import { describe, expect, it } from 'vitest';
import { hostName } from '../../../../shared/domain/ids.ts';
import { decide } from '../../../../services/scheduler/placement/decide.ts';
import { explainHost } from '../../../../services/scheduler/placement/explain.ts';
import { plan } from '../../../../services/scheduler/placement/plan.ts';
import { createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { host, request, settings, type HostBuilder } from './builders.ts';

const cluster = (...hosts: readonly HostBuilder[]) => createSnapshot(hosts.map(({ state }) => state));

describe('decide', () => {
  it('takes the heaviest host, and the next ones as alternates', () => {
    const hosts = [
      host('a').memory({ used: 9000 }),
      host('b'),
      host('c').memory({ used: 20_000 }),
      host('d').down(),
    ];
    const decision = decide(cluster(...hosts), request().request, settings(), 'seed');
    expect(decision.chosen).toBe('b');
    expect(decision.alternates).toEqual(['a', 'c']);
    expect(decision.ranked.map((each) => each.host)).toEqual(['b', 'a', 'c']);
    expect(decision.survivors).toContainEqual({ filter: 'ComputeFilter', hosts: 3 });
    expect(decision.rejections.of(hostName('d'))).toEqual({
      host: 'd',
      filter: 'ComputeFilter',
      code: 'down',
      message: 'its agent does not report',
    });
  });

  it('keeps the order of the snapshot among equals', () => {
    const decision = decide(cluster(host('b'), host('a'), host('c')), request().request, settings(), 'seed');
    expect([decision.chosen, ...decision.alternates]).toEqual(['b', 'a', 'c']);
    expect(decision.ties).toBe(3);
  });

  it('shuffles only the best that tie', () => {
    const equal = Array.from({ length: 40 }, (_, index) => host(`best-${index}`));
    const snapshot = cluster(host('worse').memory({ used: 60_000 }), ...equal);
    const options = settings({ shuffle_best_same_weighed_hosts: true });
    const chosen = new Set(
      Array.from(
        { length: 60 },
        (_, seed) => decide(snapshot, request().request, options, `r${seed}`).chosen,
      ),
    );
    expect(chosen.size).toBeGreaterThan(15);
    expect(chosen).not.toContain('worse');
  });

  it('draws among the first host_subset_size', () => {
    const hosts = Array.from({ length: 6 }, (_, index) => host(`c${index}`).memory({ used: index * 1000 }));
    const options = settings({ host_subset_size: 3 });
    const drawn = Array.from({ length: 50 }, (_, seed) =>
      decide(cluster(...hosts), request().request, options, `r${seed}`),
    );
    expect(new Set(drawn.map(({ chosen }) => chosen))).toEqual(new Set(['c0', 'c1', 'c2']));
    const second = drawn.find(({ chosen }) => chosen === 'c1');
    expect(second?.alternates).toEqual(['c0', 'c2']);
  });

  it('counts the reasons when there is no host, and names the nearest', () => {
    const hosts = [
      ...Array.from({ length: 9 }, (_, index) =>
        host(`full-${index}`).memory({ used: 65_536 - index * 100 }),
      ),
      ...Array.from({ length: 3 }, (_, index) => host(`off-${index}`).disabled()),
      host('source'),
      host('refused'),
    ];
    const asked = request().with({
      ignore_hosts: [hostName('source'), hostName('refused')],
      tried_hosts: [hostName('refused')],
    });
    const options = settings({ enabled_filters: ['RamFilter', 'ComputeFilter'] });
    const decision = decide(cluster(...hosts), asked.request, options, 'seed');
    expect(decision.chosen).toBeNull();
    expect(decision.no_valid_host).toEqual({
      message:
        'No valid host was found. 12 of 14 hosts: Capacity (short of 1248 MB at best) 9, ComputeFilter (disabled) 3; 2 hosts: HostSelection (left out: the server is there) 1, HostSelection (left out: tried before, or to be ignored) 1',
      counts: [
        { filter: 'Capacity', code: 'memory_short', hosts: 9, example: 'short of 1248 MB at best' },
        { filter: 'ComputeFilter', code: 'disabled', hosts: 3, example: 'disabled' },
        expect.objectContaining({ filter: 'HostSelection', code: 'source', hosts: 1 }),
        expect.objectContaining({ filter: 'HostSelection', code: 'tried', hosts: 1 }),
      ],
      nearest_miss: 'host full-8 lacks 1,248 MB of RAM',
    });
  });

  it('counts disabled hosts by what the operators said', () => {
    const hosts = [
      ...Array.from({ length: 3 }, (_, index) => host(`rack-${index}`).disabled('maintenance of rack 3')),
      host('alone').disabled('fan broken'),
      ...Array.from({ length: 2 }, (_, index) => host(`off-${index}`).disabled()),
    ];
    const decision = decide(cluster(...hosts), request().request, settings(), 'seed');
    expect(decision.no_valid_host?.message).toBe(
      'No valid host was found. 6 of 6 hosts: ComputeFilter (disabled: "maintenance of rack 3") 3, ' +
        'ComputeFilter (disabled) 2, ComputeFilter (disabled: "fan broken") 1',
    );
    expect(decision.rejections.of(hostName('rack-1'))?.message).toBe('disabled: "maintenance of rack 3"');
  });

  it('prefers as nearest miss a host that lacks nothing else', () => {
    const hosts = [
      host('down')
        .down()
        .memory({ used: 65_536 - 2000 }),
      host('up').memory({ used: 65_536 - 1000 }),
    ];
    const decision = decide(cluster(...hosts), request().request, settings(), 'seed');
    expect(decision.no_valid_host?.nearest_miss).toBe('host up lacks 1,048 MB of RAM');
  });

  it('says of one host what is wrong with it', () => {
    const asked = request().with({ requested_host: hostName('b') });
    const decision = decide(
      cluster(host('a'), host('b').disabled(), host('c')),
      asked.request,
      settings(),
      'seed',
    );
    expect(decision.no_valid_host?.message).toBe(
      'No valid host was found. 1 of 3 hosts: ComputeFilter (disabled) 1; 2 hosts: HostSelection (another host was asked for) 2',
    );
    expect(decision.no_valid_host?.nearest_miss).toBe('host b: disabled');
  });

  it('names none of many as nearest where nothing is counted', () => {
    const decision = decide(
      createSnapshot([host('a').with({ enabled: false }).state, host('b').with({ enabled: false }).state]),
      request().request,
      settings(),
      'seed',
    );
    expect(decision.no_valid_host?.nearest_miss).toBe('2 hosts, a among them: disabled');
  });

  it('an empty cluster has no hosts', () => {
    const decision = decide(cluster(), request().request, settings(), 'seed');
    expect(decision.no_valid_host?.message).toBe('No valid host was found. There are no compute hosts.');
  });

  it('a forced host skips the filters, but not its capacity', () => {
    const forced = request().with({ forced_host: hostName('a') });
    expect(decide(cluster(host('a').down(), host('b')), forced.request, settings(), '').chosen).toBe('a');
    expect(
      decide(cluster(host('a').memory({ used: 65_000 })), forced.request, settings(), '').chosen,
    ).toBeNull();
  });

  it('gives the named cpus and devices of the choice and its alternates', () => {
    const asked = request().spec('hw:cpu_policy', 'dedicated').spec('pci_passthrough:alias', 'gpu:1');
    const options = settings({}, { pci_aliases: [{ name: 'gpu', vendor_id: '10de' }] });
    const decision = decide(
      cluster(host('a').numa().pci('1'), host('b').numa().pci('2')),
      asked.request,
      options,
      '',
    );
    expect(decision.details).toEqual([
      {
        host: 'a',
        details: {
          numa_cells: [
            { cell: 0, pinned_cpus: [0, 1], shared_cpus: 0, memory_mb: 2048, page_size_kib: null },
          ],
          pci_addresses: ['1'],
        },
      },
      expect.objectContaining({ host: 'b' }),
    ]);
  });

  it('warns of an aggregate whose multiplier is not a number', () => {
    const decision = decide(
      cluster(host('a').aggregate({ cpu_weight_multiplier: 'x' }), host('b')),
      request().request,
      settings(),
      '',
    );
    expect(decision.warnings).toEqual([
      'CPUWeigher: "cpu_weight_multiplier" of aggregate aggregate-1 is not a number (x); used 1 as configured',
    ]);
  });
});

describe('plan', () => {
  it('lets each request have what those before left', () => {
    const snapshot = cluster(host('a').vcpu({ used: 12 }), host('b').vcpu({ used: 14 }));
    const requests = ['1', '2', '3', '4'].map((seed) => ({ request: request().request, seed }));
    const { decisions, after } = plan(snapshot, requests, settings());
    expect(decisions.map(({ chosen }) => chosen)).toEqual(['a', 'b', 'a', null]);
    expect(after.host_by_name.get(hostName('a'))?.inventories.VCPU?.used).toBe(16);
    expect(snapshot.host_by_name.get(hostName('a'))?.inventories.VCPU?.used).toBe(12);
  });

  it('keeps members of a group apart that it placed itself', () => {
    const first = request().group('anti-affinity', { me: [], other: [] });
    const second = first.with({ instance_id: 'other' as never });
    const { decisions } = plan(
      cluster(host('a'), host('b')),
      [first, second].map((each) => ({ request: each.request, seed: '' })),
      settings(),
    );
    expect(decisions.map(({ chosen }) => chosen)).toEqual(['a', 'b']);
  });

  it('does not give pinned cpus twice', () => {
    const pinned = request().flavor({ vcpus: 4 }).spec('hw:cpu_policy', 'dedicated');
    const { decisions } = plan(
      cluster(host('a').numa()),
      ['1', '2', '3'].map((seed) => ({ request: pinned.request, seed })),
      settings({ enabled_filters: ['NUMATopologyFilter'] }),
    );
    expect(decisions.map(({ details }) => details[0]?.details.numa_cells?.[0]?.pinned_cpus)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      undefined,
    ]);
  });
});

describe('explainHost', () => {
  it('asks every filter, also after the first that rejects', () => {
    const snapshot = cluster(host('a').down().memory({ used: 65_000 }).zone('x'), host('b'));
    const asked = request().with({ availability_zone: 'nova' }).request;
    const explained = explainHost(snapshot, hostName('a'), asked, settings(), '');
    expect(explained?.verdicts.filter((verdict) => !verdict.pass)).toEqual([
      {
        filter: 'AvailabilityZoneFilter',
        pass: false,
        code: 'wrong_zone',
        message: 'is in availability zone x, asked for nova',
      },
      { filter: 'Capacity', pass: false, code: 'memory_short', message: 'short of 1512 MB' },
      { filter: 'ComputeFilter', pass: false, code: 'down', message: 'its agent does not report' },
    ]);
    expect(explained?.weighed).toBeNull();
  });

  it('gives the weight of a host far behind', () => {
    const hosts = Array.from({ length: 30 }, (_, index) => host(`c${index}`).memory({ used: index * 1000 }));
    const explained = explainHost(cluster(...hosts), hostName('c29'), request().request, settings(), '');
    expect(explained?.weighed).toMatchObject({ host: 'c29', rank: 29 });
    expect(explained?.decision.chosen).toBe('c0');
  });

  it('knows no host of that name', () => {
    expect(explainHost(cluster(host('a')), hostName('z'), request().request, settings(), '')).toBeNull();
  });
});
