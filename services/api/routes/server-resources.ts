import type { RegisterRoutes } from '../services.ts';
import { registerInstanceActionRoutes } from './instance-actions.ts';
import { registerKeypairRoutes } from './keypairs.ts';
import { registerMigrationRoutes } from './migrations.ts';
import { registerServerActionRoutes } from './server-actions/register.ts';
import { registerServerAddressRoutes } from './server-addresses.ts';
import { registerServerCreateRoutes } from './server-create.ts';
import { registerServerDeleteRoutes } from './server-delete.ts';
import { registerServerMetadataRoutes } from './server-metadata.ts';
import { registerServerMigrationRoutes } from './server-migrations.ts';
import { registerServerTagRoutes } from './server-tags.ts';
import { registerServerUpdateRoutes } from './server-update.ts';
import { registerServerRoutes } from './servers.ts';

/** Servers and everything that belongs to them. */
export const serverResources: readonly RegisterRoutes[] = [
  registerServerRoutes,
  registerServerCreateRoutes,
  registerServerUpdateRoutes,
  registerServerDeleteRoutes,
  registerServerActionRoutes,
  registerServerMetadataRoutes,
  registerServerTagRoutes,
  registerServerAddressRoutes,
  registerServerMigrationRoutes,
  registerInstanceActionRoutes,
  registerMigrationRoutes,
  registerKeypairRoutes,
];
