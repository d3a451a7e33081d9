import type { RegisterRoutes } from '../services.ts';
import { registerDroverDecisions } from './decisions.ts';
import { registerDroverDryRuns } from './dry-runs.ts';
import { registerDroverHosts } from './hosts.ts';
import { registerDroverMigrations } from './migrations.ts';
import { registerDroverMetrics } from './metrics.ts';
import { registerDroverOperations } from './operations.ts';

/** Drover v1, one file per resource. */
export const droverV1: readonly RegisterRoutes[] = [
  registerDroverMigrations,
  registerDroverOperations,
  registerDroverHosts,
  registerDroverMetrics,
  registerDroverDecisions,
  registerDroverDryRuns,
];
