import { ComputeCapabilitiesFilter } from './compute-capabilities-filter.ts';
import { ComputeFilter } from './compute-filter.ts';
import type { Filter } from './filter.ts';
import { ImagePropertiesFilter } from './image-properties-filter.ts';
import { ServerGroupAffinityFilter } from './server-group-affinity-filter.ts';
import { ServerGroupAntiAffinityFilter } from './server-group-anti-affinity-filter.ts';

/** Every filter that can be enabled, by Nova's class name. */
export const filters: ReadonlyMap<string, Filter> = new Map(
  [
    ComputeCapabilitiesFilter,
    ComputeFilter,
    ImagePropertiesFilter,
    ServerGroupAffinityFilter,
    ServerGroupAntiAffinityFilter,
  ].map((filter) => [filter.name, filter]),
);
