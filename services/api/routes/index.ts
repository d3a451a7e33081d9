import { droverV1 } from '../drover/index.ts';
import type { RegisterRoutes } from '../services.ts';
import { flavorResources } from './flavor-resources.ts';
import { hostResources } from './host-resources.ts';
import { miscResources } from './misc-resources.ts';
import { projectResources } from './project-resources.ts';
import { serverResources } from './server-resources.ts';
import { serviceResources } from './service-resources.ts';

/** Compute resources, served below every compute root. One line per resource; order does not matter. */
export const computeResources: readonly RegisterRoutes[] = [
  ...serverResources,
  ...miscResources,
  ...flavorResources,
  ...serviceResources,
  ...hostResources,
  ...projectResources,
];

/** Drover v1 resources, served below /drover/v1. */
export const droverResources: readonly RegisterRoutes[] = [...droverV1];
