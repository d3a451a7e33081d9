import { describe, expect, it } from 'vitest';
import { hostName, instanceId } from '../../../../shared/domain/ids.ts';
import { consume } from '../../../../services/scheduler/placement/consume.ts';
import { decide } from '../../../../services/scheduler/placement/decide.ts';
import {
  advance,
  columnsOf,
  createSnapshot,
  fork,
} from '../../../../services/scheduler/placement/snapshot.ts';
import { host, request, settings } from './builders.ts';

const chosen = (snapshot: ReturnType<typeof createSnapshot>) =>
  decide(snapshot, request().request, settings(), '').chosen;

describe('a snapshot', () => {
  it('moves on with the hosts that changed, and hands its columns on', () => {
    const first = createSnapshot([host('a').state, host('b').memory({ used: 1000 }).state]);
    const columns = columnsOf(first);
    const second = advance(first, { changed: [host('a').disabled().state] });
    expect(columnsOf(second)).toBe(columns);
    expect(second.version).toBe(first.version + 1);
    expect(chosen(second)).toBe('b');
  });

  it('stays as it was when a later version exists', () => {
    const first = createSnapshot([host('a').state, host('b').memory({ used: 1000 }).state]);
    advance(first, { changed: [host('a').disabled().state] });
    expect(first.hosts[0]?.enabled).toBe(true);
    expect(chosen(first)).toBe('a');
  });

  it('takes hosts in and lets them go', () => {
    const first = createSnapshot([host('a').state]);
    const second = advance(first, { changed: [host('c').state, host('b').state] });
    expect(second.hosts.map(({ name }) => name)).toEqual(['a', 'c', 'b']);
    const third = advance(second, { removed: [hostName('a')], changed: [host('d').state], version: 77 });
    expect(third.hosts.map(({ name }) => name)).toEqual(['c', 'b', 'd']);
    expect(third.version).toBe(77);
    expect(third.host_by_name.has(hostName('a'))).toBe(false);
    expect(chosen(third)).toBe('c');
  });

  it('grows beyond the room it was made with', () => {
    let snapshot = createSnapshot([host('c0').state]);
    for (let index = 1; index < 50; index += 1) {
      snapshot = advance(snapshot, { changed: [host(`c${index}`).memory({ used: 1000 - index }).state] });
    }
    expect(snapshot.hosts).toHaveLength(50);
    expect(
      decide(snapshot, request().request, settings(), '')
        .ranked.map((each) => each.host)
        .slice(0, 3),
    ).toEqual(['c0', 'c49', 'c48']);
  });

  it('learns of a class of resource that no host had before', () => {
    const first = createSnapshot([host('a').state]);
    const second = advance(first, { changed: [host('b').inventory('CUSTOM_FPGA', { total: 1 }).state] });
    const asked = request().spec('resources:CUSTOM_FPGA', '1').request;
    expect(decide(second, asked, settings(), '').chosen).toBe('b');
  });

  it('a fork moves on alone', () => {
    const live = createSnapshot([host('a').state]);
    const columns = columnsOf(live);
    const copy = advance(fork(live), { changed: [host('a').disabled().state] });
    expect(chosen(copy)).toBeNull();
    expect(chosen(live)).toBe('a');
    expect(columnsOf(live)).toBe(columns);
  });

  it('shares what hosts have in common', () => {
    const hosts = ['a', 'b'].map(
      (name) => host(name).aggregate({ ssd: 'true' }).instance(name, { os: 'x' }).state,
    );
    const [a, b] = createSnapshot(hosts).hosts;
    expect(a?.aggregates).toBe(b?.aggregates);
    expect(a?.supported_instances).toBe(b?.supported_instances);
    expect([...(a?.instances.keys() ?? [])]).toEqual(['a']);
  });

  it('decides on a plain object of the same form', () => {
    const hosts = [host('a').state];
    const host_by_name = new Map(hosts.map((state) => [state.name, state]));
    expect(decide({ version: 1, hosts, host_by_name }, request().request, settings(), '').chosen).toBe('a');
  });

  it('counts a placed server before its claim is reported', () => {
    const details = { pci_addresses: ['1'] };
    const after = consume(
      createSnapshot([host('a').pci('1').state]),
      hostName('a'),
      request().request,
      details,
    ).hosts[0]!;
    expect(after.inventories.VCPU?.used).toBe(2);
    expect(after.instances.has(instanceId('me'))).toBe(true);
    expect(after.io_operations).toBe(1);
    expect(after.claim_details).toEqual([details]);
  });
});
