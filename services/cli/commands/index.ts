import { claimsCommands } from './claims/index.ts';
import { clusterCommands } from './cluster/dump.ts';
import type { Command } from './context.ts';
import { databaseCommands } from './database/migrate.ts';
import { decisionCommands } from './decision/index.ts';
import { hostCommands } from './host/index.ts';
import { imageCommands } from './image/index.ts';
import { migrationCommands } from './migration/index.ts';
import { operationCommands } from './operation/index.ts';
import { placementCommands } from './placement/simulate.ts';
import { serverCommands } from './server/index.ts';
import { serviceCommands } from './service/list.ts';

/** All groups of commands, in the order of the help. */
export const commandGroups: readonly Command[] = [
  serverCommands,
  migrationCommands,
  decisionCommands,
  hostCommands,
  imageCommands,
  operationCommands,
  serviceCommands,
  clusterCommands,
  placementCommands,
  claimsCommands,
  databaseCommands,
];
