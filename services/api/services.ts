import type { FastifyInstance } from 'fastify';
import type { Configuration } from '../../shared/config/configuration.ts';
import type { Pool } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { PolicyEnforcer } from '../../shared/policy/enforcer.ts';
import type { ApiMetricSets } from './metrics/api-metrics.ts';

/** Everything a route needs from outside. Built once in main.ts (or by a test) and passed by argument. */
export interface ApiServices {
  readonly pool: Pool;
  readonly configuration: Configuration;
  readonly policy: PolicyEnforcer;
  readonly log: Logger;
  readonly metrics: ApiMetricSets;
  /** Tells the outbox publisher of this process that a transaction with new messages was committed. */
  readonly wakeOutbox: () => void;
}

/**
 * One resource's routes. Paths are relative to the API's root: a compute resource registers `/servers`, and
 * the framework serves it at /v2.1, /compute/v2.1, /v2 and below each with a project id in the path.
 */
export type RegisterRoutes = (app: FastifyInstance, services: ApiServices) => void;
