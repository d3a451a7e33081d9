import type { RegisterRoutes } from '../services.ts';
import { registerDroverDecisions } from './decisions.ts';
import { registerDroverDryRuns } from './dry-runs.ts';
import { registerDroverExtractions } from './extractions.ts';
import { registerDroverHosts } from './hosts.ts';
import { registerDroverMetrics } from './metrics.ts';
import { registerDroverMigrations } from './migrations.ts';
import { registerDroverOperations } from './operations.ts';

/** Drover v1, one file per resource. */
export const droverV1: readonly RegisterRoutes[] = [
  registerDroverMigrations,
  registerDroverOperations,
  registerDroverMetrics,
  registerDroverHosts,
  registerDroverExtractions,
  registerDroverDecisions,
  registerDroverDryRuns,
];
