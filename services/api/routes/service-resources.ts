import type { RegisterRoutes } from '../services.ts';
import { registerHypervisorRoutes } from './hypervisors.ts';
import { registerServiceUpdateRoutes } from './service-update.ts';
import { registerServiceRoutes } from './services.ts';

/** Everything about the processes that report themselves, and the hosts behind them. */
export const serviceResources: readonly RegisterRoutes[] = [
  registerServiceRoutes,
  registerServiceUpdateRoutes,
  registerHypervisorRoutes,
];
