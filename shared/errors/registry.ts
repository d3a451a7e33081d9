import { agentErrors } from './agent-errors.ts';
import { aggregateErrors } from './aggregate-errors.ts';
import { computeErrors } from './compute-errors.ts';
import { flavorErrors } from './flavor-errors.ts';
import { hypervisorErrors } from './hypervisor-errors.ts';
import { identityErrors } from './identity-errors.ts';
import { imageErrors } from './image-errors.ts';
import { keypairErrors } from './keypair-errors.ts';
import { migrationErrors } from './migration-errors.ts';
import { moverErrors } from './mover-errors.ts';
import { operationsErrors } from './operations-errors.ts';
import { quotaErrors } from './quota-errors.ts';
import { serverCreateErrors } from './server-create-errors.ts';
import { serverErrors } from './server-errors.ts';
import { serverListErrors } from './server-list-errors.ts';
import { serviceErrors } from './service-errors.ts';

/**
 * One error of the world.
 * `message` says what was tried, on what, and what was found; where Nova has a text for it, Nova's text
 * (scripts match on it). `advice` says what to do next and is shown by Drover's own API and CLI.
 */
export interface ErrorEntry {
  readonly http_status: number;
  readonly message: string;
  readonly advice: string;
}

/** Every error Drover can answer with, one file per area. A code is never reused for another meaning. */
export const errorRegistry = {
  ...agentErrors,
  ...aggregateErrors,
  ...computeErrors,
  ...flavorErrors,
  ...hypervisorErrors,
  ...identityErrors,
  ...imageErrors,
  ...keypairErrors,
  ...migrationErrors,
  ...moverErrors,
  ...operationsErrors,
  ...quotaErrors,
  ...serverCreateErrors,
  ...serverErrors,
  ...serverListErrors,
  ...serviceErrors,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorRegistry;
