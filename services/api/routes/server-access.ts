import type { FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { computeLinks, type LinkMaker } from '../http/links.ts';
import type { Requester } from '../operations/request-operation.ts';
import { findServer, type ServerRow } from '../queries/server-row.ts';
import type { ApiServices } from '../services.ts';

/** What a rule about a server is checked against. Lists use the caller's own project and user. */
export interface PolicySubject {
  readonly project_id: string;
  readonly user_id?: string;
}

/** @throws DroverError policy_forbidden, with Nova's text and the rule's name */
export function allow(
  services: ApiServices,
  request: FastifyRequest,
  rule: string,
  subject: PolicySubject = request.caller,
): void {
  services.policy.authorize(rule, targetOf(subject), request.caller);
}

/** For rules that only leave something out of an answer. */
export function allows(
  services: ApiServices,
  request: FastifyRequest,
  rule: string,
  subject: PolicySubject = request.caller,
): boolean {
  return services.policy.check(rule, targetOf(subject), request.caller);
}

/** A server's row has more than a rule may look at. */
function targetOf(subject: PolicySubject): Record<string, string> {
  const { project_id, user_id } = subject;
  return user_id === undefined ? { project_id } : { project_id, user_id };
}

/** Links of this request, with the configured prefix where the api stands behind a proxy. */
export function linksOf(services: ApiServices, request: FastifyRequest): LinkMaker {
  return computeLinks(request, services.configuration.api.compute_link_prefix);
}

/** The version check in the form that views take. */
export function versionCheck(request: FastifyRequest): (minor: number) => boolean {
  const { minor } = request.microversion;
  return (wanted) => minor >= wanted;
}

/** The caller as operations want him. */
export function requesterOf(request: FastifyRequest): Requester {
  const { user_id, project_id, is_admin } = request.caller;
  return { user_id, project_id, is_admin, request_id: request.request_id };
}

/**
 * The server, if it exists and the caller may see it. Another project's server is not found, so that nobody learns
 * that it exists. @throws DroverError instance_not_found, with the id as it was given
 */
export async function requireServer(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
  options: { readonly with_deleted?: boolean } = {},
): Promise<ServerRow> {
  const server = await findServer(services.pool, id, request.caller, {
    service_down_time_seconds: services.configuration.DEFAULT.service_down_time,
    ...options,
  });
  if (server === null) throw new DroverError('instance_not_found', { instance: id });
  return server;
}
