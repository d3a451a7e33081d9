import type { RegisterRoutes } from '../services.ts';
import { registerGoneRoutes } from './gone.ts';
import { registerImageProxyRoutes } from './image-proxy.ts';
import { registerNetworkListRoutes } from './network-lists.ts';
import { registerServerExternalEventsRoutes } from './server-external-events.ts';

/** What clients touch now and then and Nova keeps, or keeps a tombstone of. */
export const miscResources: readonly RegisterRoutes[] = [
  registerGoneRoutes,
  registerImageProxyRoutes,
  registerNetworkListRoutes,
  registerServerExternalEventsRoutes,
];
