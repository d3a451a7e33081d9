import type { RegisterRoutes } from '../services.ts';
import { registerExtensionRoutes } from './extensions.ts';
import { registerLimitRoutes } from './limits.ts';
import { registerQuotaRoutes } from './quotas.ts';
import { registerServerGroupRoutes } from './server-groups.ts';
import { registerUsageRoutes } from './usage.ts';

/** What projects own, may have and have had. */
export const projectResources: readonly RegisterRoutes[] = [
  registerServerGroupRoutes,
  registerQuotaRoutes,
  registerLimitRoutes,
  registerUsageRoutes,
  registerExtensionRoutes,
];
