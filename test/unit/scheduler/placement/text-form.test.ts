import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostName, instanceId } from '../../../../shared/domain/ids.ts';
import { decide } from '../../../../services/scheduler/placement/decide.ts';
import { createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { dumpCluster } from '../../../../services/scheduler/placement/text-form/dump.ts';
import { loadCluster } from '../../../../services/scheduler/placement/text-form/load.ts';
import { host, request, settings } from './builders.ts';

const example = readFileSync(join(import.meta.dirname, '../../../data/three-racks.cluster'), 'utf8');

describe('the text form of a cluster', () => {
  it('reads an example written by hand', () => {
    const snapshot = loadCluster(example);
    expect(snapshot.version).toBe(12);
    expect(snapshot.hosts.map(({ name }) => name)).toEqual(['c1', 'c2', 'c3', 'c4']);
    const c1 = snapshot.host_by_name.get(hostName('c1'));
    expect(c1?.inventories.MEMORY_MB).toEqual({
      total: 65_536,
      reserved: 512,
      allocation_ratio: 1,
      max_unit: 65_536,
      used: 61_440,
    });
    expect(c1?.instances.get(instanceId('5f0c3f64-5c8e-4d43-a01a-3f2c6f4e9a11'))?.image_properties).toEqual({
      hw_architecture: 'x86_64',
      os_version: '12 (bookworm)',
    });
    expect(snapshot.host_by_name.get(hostName('c2'))?.disabled_reason).toBe('fan broken');
    expect(snapshot.host_by_name.get(hostName('c4'))?.aggregates[0]?.name).toBe('rack 3');
    expect(snapshot.host_by_name.get(hostName('c4'))?.numa_cells).toHaveLength(1);
  });

  it('is enough to decide on', () => {
    const snapshot = loadCluster(example);
    const small = decide(snapshot, request().request, settings(), '');
    expect([small.chosen, ...small.alternates]).toEqual(['c4', 'c1']);
    const large = decide(snapshot, request().flavor({ memory_mb: 60_000 }).request, settings(), '');
    expect(large.no_valid_host?.message).toBe(
      'No valid host was found. 4 of 4 hosts: Capacity (short of 11360 MB at best) 2, ComputeFilter (disabled: "fan broken") 1, ComputeFilter (its agent does not report) 1',
    );
  });

  it('is the same after it was read and written again', () => {
    const text = dumpCluster(loadCluster(example));
    expect(dumpCluster(loadCluster(text))).toBe(text);
  });

  it('keeps every field of a host', () => {
    const full = host('full')
      .down()
      .disabled()
      .zone('a zone')
      .aggregate({ key: 'a "quoted" # value' })
      .instance('i 1', { os: 'Debian 12' })
      .numa()
      .pci('0000:01:00.0')
      .with({
        disabled_reason: 'say # "why"',
        hypervisor_hostname: 'other',
        disk_available_bytes: 5,
        failed_builds: 2,
        io_operations: 3,
        metrics: { load: 0.5 },
        cpu_info: { model: 'x' },
        claim_details: [{ pci_addresses: ['0000:01:00.0'] }],
      });
    const loaded = loadCluster(dumpCluster(createSnapshot([full.state])));
    const read = loaded.hosts[0]!;
    expect({ ...read, instances: new Map(read.instances) }).toEqual(full.state);
  });

  it.each([
    ['host c1 up\nwhat is this', 'line 2', '"what" is not one of'],
    ['inventory c1 VCPU total=many', 'line 1', 'total must be a number, not many'],
    ['inventory c1 VCPU used=1', 'line 1', 'total must be a number, not left out'],
    ['drover-cluster 9', 'line 1', 'format 9 is not known'],
    ['host "c1', 'line 1', 'a quote is not closed'],
    ['facts c1 {"cpu_info": nothing}', 'line 1', 'JSON'],
  ])('refuses %j with the number of the line', (text, place, problem) => {
    const read = () => loadCluster(text);
    expect(read).toThrow(place);
    expect(read).toThrow(problem);
  });
});
