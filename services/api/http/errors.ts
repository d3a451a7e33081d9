import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { ErrorCode } from '../../../shared/errors/registry.ts';
import { errorAnswer, type ErrorFacts } from './error-envelope.ts';
import { publicRoot } from './links.ts';
import type { Surface } from './surface.ts';

const unexpectedTexts: Readonly<Record<Surface, string>> = {
  compute:
    'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n' +
    "<class 'drover.UnexpectedError'>",
  identity:
    'An unexpected error prevented the server from fulfilling your request. (Disable insecure_debug mode to suppress these details.)',
  image: 'The server has either erred or is incapable of performing the requested operation.',
  drover: 'Something went wrong inside Drover. The log has the details under this request id.',
};

/** PostgreSQL's answers to a connection that is lost or refused: our state, not the request's fault. */
const databaseDown = /^(?:080\d\d|57P\d\d|53\d\d\d)$|^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND)$/;
/** A value that PostgreSQL cannot take (out of range, bad text): the request's fault that no check saw. */
const databaseRefusesValue = /^22/;

/** One place where errors become answers. Nothing but the message of a DroverError ever leaves the process. */
export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
}

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const facts = factsOf(error, request);
  if (facts.http_status >= 500) request.log.error({ error }, 'request failed unexpectedly');
  else if (!(error instanceof DroverError)) request.log.warn({ error }, 'request was refused');
  const answer = errorAnswer(request, facts);
  request.context.is_fault = answer.is_fault;
  if (facts.http_status === 401) {
    const identity_path = request.surface === 'identity' ? '/identity/v3' : '/identity';
    void reply.header('www-authenticate', `Keystone uri="${publicRoot(request)}${identity_path}"`);
  }
  if (facts.http_status === 503) void reply.header('retry-after', '5');
  return reply.code(answer.http_status).send(answer.body);
}

function factsOf(error: unknown, request: FastifyRequest): ErrorFacts {
  if (error instanceof DroverError) return inWordsOf(request.surface, error);
  const code = codeOf(error);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new DroverError('request_too_large');
  if (databaseDown.test(code)) return new DroverError('service_unavailable');
  if (databaseRefusesValue.test(code)) return new DroverError('malformed_request_body');
  const status = (error as Partial<FastifyError> | null)?.statusCode ?? 500;
  // Fastify's own refusals (a broken URL, a bad Content-Length): their texts name the framework, so ours stand instead.
  if (code.startsWith('FST_') && status >= 400 && status < 500) return new DroverError('malformed_request');
  return {
    code: null,
    http_status: 500,
    message: unexpectedTexts[request.surface],
    advice: 'Look for the request id in the log of the api process.',
  };
}

/** Keystone and Glance have their own texts for what the shared parts refuse. */
const ownWords: Partial<Record<Surface, Partial<Record<ErrorCode, ErrorCode>>>> = {
  identity: {
    malformed_request_body: 'identity_json_invalid',
    unsupported_content_type: 'identity_json_expected',
  },
  image: { malformed_request_body: 'image_json_invalid', unauthenticated: 'image_unauthenticated' },
};

function inWordsOf(surface: Surface, error: DroverError): DroverError {
  const code = ownWords[surface]?.[error.code];
  return code === undefined ? error : new DroverError(code, error.values, { cause: error });
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
