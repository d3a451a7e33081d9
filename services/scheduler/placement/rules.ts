import { DroverError } from '../../../shared/errors/drover-error.ts';
import { nearestName } from '../../../shared/config/nearest.ts';
import { AvailabilityZoneFilter } from './filters/availability-zone-filter.ts';
import type { Filter } from './filters/filter.ts';
import { filters } from './filters/registry.ts';
import type { PlacementSettings } from './settings.ts';
import { capacity } from './stages/capacity.ts';
import { computeStatus } from './stages/compute-status.ts';
import { hostSelection } from './stages/host-selection.ts';
import { isolatedAggregates } from './stages/isolated-aggregates.ts';
import { tenantAggregate } from './stages/tenant-aggregate.ts';
import { weighers } from './weighers/registry.ts';
import type { Weigher } from './weighers/weigher.ts';

const allWeighers = 'all_weighers';
const allFilters = 'all_filters';

/** `nova.scheduler.filters.compute_filter.ComputeFilter` and `ComputeFilter` are the same filter. */
function className(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/**
 * The filters of the configuration, in its order.
 *
 * @throws DroverError `unknown_filter` with the nearest known names
 */
export function configuredFilters(settings: PlacementSettings): readonly Filter[] {
  return settings.filter_scheduler.enabled_filters.flatMap((name) => {
    const wanted = className(name);
    if (wanted === allFilters) return [...filters.values()];
    const filter = settings.site_filters.find((site) => site.name === wanted) ?? filters.get(wanted);
    if (filter !== undefined) return [filter];
    const known = [...filters.keys(), ...settings.site_filters.map((site) => site.name)];
    throw new DroverError('unknown_filter', { kind: 'Filter', name, nearest: nearestNames(wanted, known) });
  });
}

/**
 * The weighers of the configuration. Weights are added up in this order.
 *
 * @throws DroverError `unknown_filter` with the nearest known names
 */
export function configuredWeighers(settings: PlacementSettings): readonly Weigher[] {
  return settings.filter_scheduler.weight_classes.flatMap((name) => {
    const wanted = className(name);
    if (wanted === allWeighers) return [...weighers.values(), ...settings.site_weighers];
    const weigher = settings.site_weighers.find((site) => site.name === wanted) ?? weighers.get(wanted);
    if (weigher !== undefined) return [weigher];
    const known = [...weighers.keys(), ...settings.site_weighers.map((site) => site.name)];
    throw new DroverError('unknown_filter', { kind: 'Weigher', name, nearest: nearestNames(wanted, known) });
  });
}

/**
 * Everything that runs for a request, in order: what Nova asks of placement first, then the configured filters. A
 * forced host skips those, as in Nova.
 */
export function rulesFor(settings: PlacementSettings, forced: boolean): readonly Filter[] {
  const enabled = forced ? [] : configuredFilters(settings);
  const runs = (name: string): boolean => enabled.some((filter) => filter.name === name);
  const narrowed = [
    hostSelection,
    ...(runs('ComputeFilter') ? [] : [computeStatus]),
    ...(settings.scheduler.query_placement_for_availability_zone && !runs(AvailabilityZoneFilter.name)
      ? [AvailabilityZoneFilter]
      : []),
    ...(settings.scheduler.limit_tenants_to_placement_aggregate ? [tenantAggregate] : []),
    ...(settings.scheduler.enable_isolated_aggregate_filtering ? [isolatedAggregates] : []),
    capacity,
  ];
  return [...narrowed, ...enabled];
}

function nearestNames(name: string, known: readonly string[]): string {
  const nearest: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const next = nearestName(
      name,
      known.filter((candidate) => !nearest.includes(candidate)),
    );
    if (next === null) break;
    nearest.push(next);
  }
  return nearest.length === 0 ? [...known].toSorted().join(', ') : nearest.join(', ');
}
