import type { RegisterRoutes } from '../services.ts';
import { registerFlavorAccessRoutes } from './flavor-access.ts';
import { registerFlavorExtraSpecRoutes } from './flavor-extra-specs.ts';
import { registerFlavorManageRoutes } from './flavor-manage.ts';
import { registerFlavorRoutes } from './flavors.ts';

/** Everything about flavors. */
export const flavorResources: readonly RegisterRoutes[] = [
  registerFlavorRoutes,
  registerFlavorManageRoutes,
  registerFlavorExtraSpecRoutes,
  registerFlavorAccessRoutes,
];
