import type { Filter } from './filters/filter.ts';
import type { Weigher } from './weighers/weigher.ts';

/** Nova's `[filter_scheduler]`, its names and defaults (facts document, sections 6.2 and 6.3). */
export interface FilterSchedulerSettings {
  readonly enabled_filters: readonly string[];
  /** `nova.scheduler.weights.all_weighers`, or names of weighers, with or without their module path. */
  readonly weight_classes: readonly string[];
  readonly host_subset_size: number;
  readonly shuffle_best_same_weighed_hosts: boolean;
  readonly max_io_ops_per_host: number;
  readonly max_instances_per_host: number;
  readonly isolated_images: readonly string[];
  readonly isolated_hosts: readonly string[];
  readonly restrict_isolated_hosts_to_isolated_images: boolean;
  readonly image_properties_default_architecture: string | null;
  readonly aggregate_image_properties_isolation_namespace: string | null;
  readonly aggregate_image_properties_isolation_separator: string;
  readonly ram_weight_multiplier: number;
  readonly cpu_weight_multiplier: number;
  readonly disk_weight_multiplier: number;
  readonly io_ops_weight_multiplier: number;
  readonly pci_weight_multiplier: number;
  readonly soft_affinity_weight_multiplier: number;
  readonly soft_anti_affinity_weight_multiplier: number;
  readonly build_failure_weight_multiplier: number;
  readonly cross_cell_move_weight_multiplier: number;
  readonly hypervisor_version_weight_multiplier: number;
  readonly num_instances_weight_multiplier: number;
  readonly image_props_weight_multiplier: number;
  /** `property=weight`, one each; empty: every property counts 1. */
  readonly image_props_weight_setting: readonly string[];
}

/** Nova's `[scheduler]`: what narrows the candidates before any filter. */
export interface SchedulerSettings {
  /** The chosen host and its alternates. */
  readonly max_attempts: number;
  readonly limit_tenants_to_placement_aggregate: boolean;
  readonly placement_aggregate_required_for_tenants: boolean;
  readonly query_placement_for_availability_zone: boolean;
  readonly enable_isolated_aggregate_filtering: boolean;
}

/** Nova's `[metrics]`. */
export interface MetricsSettings {
  readonly weight_multiplier: number;
  /** `name=ratio`, one each. */
  readonly weight_setting: readonly string[];
  readonly required: boolean;
  readonly weight_of_unavailable: number;
}

/** One entry of Nova's `[pci] alias`. */
export interface PciAlias {
  readonly name: string;
  readonly vendor_id?: string;
  readonly product_id?: string;
  readonly device_type?: 'type-PCI' | 'type-PF' | 'type-VF';
  readonly numa_policy?: 'required' | 'legacy' | 'preferred' | 'socket';
}

/** Everything an operator can say about placement. The shell fills it from the configuration. */
export interface PlacementSettings {
  readonly filter_scheduler: FilterSchedulerSettings;
  readonly scheduler: SchedulerSettings;
  readonly metrics: MetricsSettings;
  readonly default_availability_zone: string;
  readonly pci_aliases: readonly PciAlias[];
  /** A site's own rules, by the name they are enabled under (docs/adding-a-filter.md). */
  readonly site_filters: readonly Filter[];
  readonly site_weighers: readonly Weigher[];
}

/** Nova's defaults. */
export const defaultPlacementSettings: PlacementSettings = {
  filter_scheduler: {
    enabled_filters: [
      'ComputeFilter',
      'ComputeCapabilitiesFilter',
      'ImagePropertiesFilter',
      'ServerGroupAntiAffinityFilter',
      'ServerGroupAffinityFilter',
    ],
    weight_classes: ['nova.scheduler.weights.all_weighers'],
    host_subset_size: 1,
    shuffle_best_same_weighed_hosts: false,
    max_io_ops_per_host: 8,
    max_instances_per_host: 50,
    isolated_images: [],
    isolated_hosts: [],
    restrict_isolated_hosts_to_isolated_images: true,
    image_properties_default_architecture: null,
    aggregate_image_properties_isolation_namespace: null,
    aggregate_image_properties_isolation_separator: '.',
    ram_weight_multiplier: 1,
    cpu_weight_multiplier: 1,
    disk_weight_multiplier: 1,
    io_ops_weight_multiplier: -1,
    pci_weight_multiplier: 1,
    soft_affinity_weight_multiplier: 1,
    soft_anti_affinity_weight_multiplier: 1,
    build_failure_weight_multiplier: 1_000_000,
    cross_cell_move_weight_multiplier: 1_000_000,
    hypervisor_version_weight_multiplier: 1,
    num_instances_weight_multiplier: 0,
    image_props_weight_multiplier: 0,
    image_props_weight_setting: [],
  },
  scheduler: {
    max_attempts: 3,
    limit_tenants_to_placement_aggregate: false,
    placement_aggregate_required_for_tenants: false,
    query_placement_for_availability_zone: true,
    enable_isolated_aggregate_filtering: false,
  },
  metrics: { weight_multiplier: 1, weight_setting: [], required: true, weight_of_unavailable: -10_000 },
  default_availability_zone: 'nova',
  pci_aliases: [],
  site_filters: [],
  site_weighers: [],
};
