import { boolean, float, integer, list, multi, string } from '../option.ts';
import { defineSection } from '../section.ts';

const weigher = (what: string, value: number, minimum?: number) =>
  float({
    default: value,
    ...(minimum === undefined ? {} : { minimum }),
    help: `Multiplier of the weigher that prefers ${what}. Negative: the opposite. An aggregate's metadata of the same name wins.`,
  });

export const filterSchedulerSection = defineSection(
  'filter_scheduler',
  'Filters and weighers, with the names and defaults of Nova.',
  {
    host_subset_size: integer({
      default: 1,
      minimum: 1,
      unit: 'hosts',
      help: 'The choice is made at random among this many best hosts.',
    }),
    max_io_ops_per_host: integer({
      default: 8,
      minimum: 0,
      help: 'IoOpsFilter: builds, moves and other disk-heavy work on a host must be fewer.',
    }),
    max_instances_per_host: integer({
      default: 50,
      minimum: 1,
      help: 'NumInstancesFilter: instances on a host must be fewer.',
    }),
    track_instance_changes: boolean({
      default: true,
      help: 'Filters see which instances are on which host.',
    }),
    available_filters: multi({
      default: ['nova.scheduler.filters.all_filters'],
      help: "Where filters come from. Nova's word for all of them is the only source.",
    }),
    enabled_filters: list({
      default: [
        'ComputeFilter',
        'ComputeCapabilitiesFilter',
        'ImagePropertiesFilter',
        'ServerGroupAntiAffinityFilter',
        'ServerGroupAffinityFilter',
      ],
      help: 'Filters that run, in this order.',
    }),
    placement_modules: list({
      default: [],
      help: "Files with a site's own filters and weighers; see docs/adding-a-filter.md.",
    }),
    weight_classes: list({ default: ['nova.scheduler.weights.all_weighers'], help: 'Weighers that run.' }),
    ram_weight_multiplier: weigher('free memory', 1),
    cpu_weight_multiplier: weigher('free virtual CPUs', 1),
    disk_weight_multiplier: weigher('free disk', 1),
    hypervisor_version_weight_multiplier: weigher('newer hypervisors', 1),
    num_instances_weight_multiplier: weigher('more instances', 0),
    io_ops_weight_multiplier: weigher('more disk-heavy work', -1),
    image_props_weight_multiplier: weigher('hosts whose instances have the same image properties', 0),
    image_props_weight_setting: list({
      default: [],
      help: 'Image properties that are compared, as name=ratio. Empty: all, with ratio 1.',
    }),
    pci_weight_multiplier: weigher('free PCI devices where some are asked for', 1, 0),
    soft_affinity_weight_multiplier: weigher('hosts with members of the same soft-affinity group', 1, 0),
    soft_anti_affinity_weight_multiplier: weigher(
      'hosts without members of the same soft-anti-affinity group',
      1,
      0,
    ),
    build_failure_weight_multiplier: weigher('hosts without failed builds', 1_000_000),
    cross_cell_move_weight_multiplier: weigher('the same cell', 1_000_000),
    shuffle_best_same_weighed_hosts: boolean({
      default: false,
      help: 'Hosts that tie for the best weight are shuffled.',
    }),
    image_properties_default_architecture: string({
      default: null,
      help: 'ImagePropertiesFilter: architecture of images that name none.',
    }),
    isolated_images: list({
      default: [],
      help: 'IsolatedHostsFilter: ids of images that may only run on isolated hosts.',
    }),
    isolated_hosts: list({ default: [], help: 'IsolatedHostsFilter: hosts for isolated images.' }),
    restrict_isolated_hosts_to_isolated_images: boolean({
      default: true,
      help: 'IsolatedHostsFilter: isolated hosts run nothing but isolated images.',
    }),
    aggregate_image_properties_isolation_namespace: string({
      default: null,
      help: 'AggregateImagePropertiesIsolation: only metadata keys with this prefix count.',
    }),
    aggregate_image_properties_isolation_separator: string({
      default: '.',
      help: 'AggregateImagePropertiesIsolation: what stands between the prefix and the rest.',
    }),
  },
);
