import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import { loadPlacementSettings } from '../../../services/scheduler/settings.ts';
import { decide } from '../../../services/scheduler/placement/decide.ts';
import { configuredFilters } from '../../../services/scheduler/placement/rules.ts';
import { defaultPlacementSettings } from '../../../services/scheduler/placement/settings.ts';
import { createSnapshot } from '../../../services/scheduler/placement/snapshot.ts';
import { host, request } from './placement/builders.ts';

const file = join(import.meta.dirname, '../../data/nova.conf');

describe('a nova.conf as it is', () => {
  const load = () => loadPlacementSettings(loadConfiguration([file], { warn: () => undefined }));

  test('gives its filters, weighers, metrics and devices to placement', async () => {
    const settings = await load();
    expect(configuredFilters(settings).map(({ name }) => name)).toEqual([
      'RetryFilter',
      'AvailabilityZoneFilter',
      'ComputeFilter',
      'ComputeCapabilitiesFilter',
      'ImagePropertiesFilter',
      'ServerGroupAntiAffinityFilter',
      'ServerGroupAffinityFilter',
      'AggregateInstanceExtraSpecsFilter',
      'AggregateMultiTenancyIsolation',
      'NUMATopologyFilter',
      'PciPassthroughFilter',
      'NumInstancesFilter',
    ]);
    expect(settings.filter_scheduler).toMatchObject({
      host_subset_size: 3,
      shuffle_best_same_weighed_hosts: true,
      max_instances_per_host: 120,
      max_io_ops_per_host: 6,
      ram_weight_multiplier: -0.5,
      cpu_weight_multiplier: 2,
      soft_anti_affinity_weight_multiplier: 3.5,
      build_failure_weight_multiplier: 1000,
      isolated_hosts: ['gpu1', 'gpu2'],
      isolated_images: ['2f7f4d3e-6f2a-4f0e-9a6b-0a8d8d6a8a11'],
      restrict_isolated_hosts_to_isolated_images: false,
      aggregate_image_properties_isolation_namespace: 'tier',
      // Not named: Nova's default.
      disk_weight_multiplier: 1,
    });
    expect(settings.scheduler).toMatchObject({
      ...defaultPlacementSettings.scheduler,
      max_attempts: 5,
      limit_tenants_to_placement_aggregate: true,
      enable_isolated_aggregate_filtering: true,
    });
    expect(settings.metrics).toEqual({
      weight_multiplier: 1.5,
      weight_setting: ['cpu.percent=-1.0', 'numa.membw.current=0.2'],
      required: false,
      weight_of_unavailable: -1000,
    });
    expect(settings.pci_aliases.map(({ name }) => name)).toEqual(['a100', 'nic']);
    expect(settings.default_availability_zone).toBe('az1');
  });

  test('decides with them', async () => {
    const fleet = ['a', 'b', 'c', 'd'].map(
      (name, used) =>
        host(name)
          .zone('az1')
          .memory({ used: used * 1024 }).state,
    );
    const decision = decide(createSnapshot(fleet), request().request, await load(), 'seed');
    // Five attempts, and a negative multiplier: the fullest host weighs most.
    expect([decision.chosen, ...decision.alternates]).toHaveLength(4);
    expect(decision.ranked[0]?.host).toBe('d');
    const parts = decision.ranked[0]?.parts.map(({ weigher, multiplier }) => [weigher, multiplier]);
    expect(parts).toContainEqual(['RAMWeigher', -0.5]);
  });
});

describe('a configuration that cannot work', () => {
  test.each([
    [{ enabled_filters: ['ComputeFilter', 'RamFliter'] }, /Filter RamFliter.*RamFilter/s],
    [{ weight_classes: ['nova.scheduler.weights.ram.RAMWiegher'] }, /RAMWiegher.*RAMWeigher/s],
    [{ placement_modules: ['/nonexistent/filter.js'] }, /placement module \/nonexistent\/filter.js/],
  ])('%j stops the start and says what would', async (filter_scheduler, message) => {
    const configuration = loadConfiguration([], { overrides: { filter_scheduler } });
    const failure: unknown = await loadPlacementSettings(configuration).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    const { message: said, advice } = failure as Error & { advice: string };
    expect(`${said}\n${advice}`).toMatch(message);
  });
});
