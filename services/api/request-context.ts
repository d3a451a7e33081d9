import type { FastifyInstance } from 'fastify';
import type { ProjectId, RequestId, UserId } from '../../shared/domain/ids.ts';
import { mountOf, surfaceOf, type Mount, type Surface } from './http/surface.ts';
import { oldestMicroversion, type Microversion } from './http/microversion.ts';

/** Who sent the request, as the token says. */
export interface Caller {
  readonly user_id: UserId;
  readonly user_name: string;
  readonly user_domain_id: string;
  /** '' for a token without a project: equal to no project, so such a caller sees nothing. */
  readonly project_id: ProjectId;
  readonly project_name: string;
  readonly project_domain_id: string;
  /** With the implied ones: admin lists member and reader too. */
  readonly roles: readonly string[];
  /** The policy's rule `context_is_admin`; by default the role admin. */
  readonly is_admin: boolean;
  readonly is_scoped: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Throws on a route that is public and was called without a token. */
    readonly caller: Caller;
    readonly microversion: Microversion;
    /** `req-<uuid>`, made by us for every request; it goes into every row, message and log line. */
    readonly request_id: RequestId;
    readonly mount: Mount;
    readonly surface: Surface;
    /** Mutable part; only services/api/http writes it. */
    context: RequestState;
  }
  interface FastifyContextConfig {
    /** The route answers without a token. */
    public?: boolean;
    /** Bytes; the route reads its body itself. */
    streams_body?: boolean;
  }
}

export interface RequestState {
  caller: Caller | null;
  microversion: Microversion;
  /** What the answer's version headers say; null: none (legacy mount, or before negotiation). */
  answered_version: string | null;
  /** The answer is an error in Nova's envelope, which has another content type. */
  is_fault: boolean;
}

/** Adds `caller`, `microversion`, `request_id`, `mount` and `surface` to every request. */
export function decorateRequests(app: FastifyInstance): void {
  app.decorateRequest('context');
  app.decorateRequest('caller', {
    getter() {
      if (this.context.caller === null) throw new Error('route asks for the caller but did not authenticate');
      return this.context.caller;
    },
  });
  app.decorateRequest('microversion', {
    getter() {
      return this.context.microversion;
    },
  });
  app.decorateRequest('request_id', {
    getter() {
      return this.id as RequestId;
    },
  });
  app.decorateRequest('mount', {
    getter() {
      return mountOf(this.raw);
    },
  });
  app.decorateRequest('surface', {
    getter() {
      return surfaceOf(this.url);
    },
  });
  app.addHook('onRequest', (request, _reply, done) => {
    request.context = {
      caller: null,
      microversion: oldestMicroversion,
      answered_version: null,
      is_fault: false,
    };
    done();
  });
}
