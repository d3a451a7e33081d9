import type { RegisterRoutes } from '../services.ts';
import { registerServiceUpdateRoutes } from './service-update.ts';
import { registerServiceRoutes } from './services.ts';

/** Everything about the processes that report themselves. */
export const serviceResources: readonly RegisterRoutes[] = [
  registerServiceRoutes,
  registerServiceUpdateRoutes,
];
