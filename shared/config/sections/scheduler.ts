import { boolean, integer } from '../option.ts';
import { defineSection } from '../section.ts';

export const schedulerSection = defineSection('scheduler', 'Choosing hosts.', {
  max_attempts: integer({
    default: 3,
    minimum: 1,
    help: 'Hosts that one request may try: the chosen one and its alternates.',
  }),
  max_placement_results: integer({
    default: 1000,
    minimum: 1,
    unit: 'hosts',
    help: 'Most hosts that one decision considers after capacity.',
  }),
  limit_tenants_to_placement_aggregate: boolean({
    default: false,
    help: 'Projects for which an aggregate names filter_tenant_id use hosts of such aggregates only.',
  }),
  placement_aggregate_required_for_tenants: boolean({
    default: false,
    help: 'With limit_tenants_to_placement_aggregate: projects without such an aggregate have no hosts.',
  }),
  query_placement_for_availability_zone: boolean({
    default: true,
    help: 'A requested availability zone counts even when AvailabilityZoneFilter is not enabled.',
  }),
  enable_isolated_aggregate_filtering: boolean({
    default: false,
    help: 'Aggregates with trait:NAME=required take only servers whose flavor or image requires that trait.',
  }),
});
