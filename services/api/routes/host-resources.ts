import type { RegisterRoutes } from '../services.ts';
import { registerAggregateActionRoutes } from './aggregate-actions.ts';
import { registerAggregateRoutes } from './aggregates.ts';
import { registerAvailabilityZoneRoutes } from './availability-zones.ts';
import { registerHostRoutes } from './hosts.ts';

/** Hosts and how they are grouped. */
export const hostResources: readonly RegisterRoutes[] = [
  registerHostRoutes,
  registerAggregateRoutes,
  registerAggregateActionRoutes,
  registerAvailabilityZoneRoutes,
];
