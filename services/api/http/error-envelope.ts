import type { FastifyRequest } from 'fastify';
import type { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Surface } from './surface.ts';

/** What is sent for an error, whatever its API. */
export interface ErrorAnswer {
  readonly http_status: number;
  readonly body: object;
  /** Nova's own envelope is sent as `application/json; charset=UTF-8`, everything else without a charset. */
  readonly is_fault: boolean;
}

export interface ErrorFacts {
  /** Registered code, or null for an error that is not a DroverError. */
  readonly code: DroverError['code'] | null;
  readonly http_status: number;
  readonly message: string;
  readonly advice: string;
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/** Nova's names of faults by status (facts document, section 2.1); any other status is a computeFault. */
const faultNames: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  429: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};

export function titleOf(http_status: number): string {
  return titles[http_status] ?? 'Error';
}

type Envelope = (error: ErrorFacts, request: FastifyRequest) => ErrorAnswer;

const envelopes: Readonly<Record<Surface, Envelope>> = {
  compute,
  identity: ({ http_status, message }) => plain(http_status, keystone(http_status, message)),
  image: ({ http_status, message }) => plain(http_status, webob(http_status, message)),
  drover: ({ code, http_status, message, advice }, request) =>
    plain(http_status, {
      error: { code: code ?? 'unexpected', message, advice, request_id: request.request_id },
    }),
};

/** The error in the envelope of the API that the request was for. */
export function errorAnswer(request: FastifyRequest, error: ErrorFacts): ErrorAnswer {
  return envelopes[request.surface](error, request);
}

function plain(http_status: number, body: object): ErrorAnswer {
  return { http_status, body, is_fault: false };
}

/** Before a resource is reached, Nova's middleware answers in other forms than its resources do. */
function compute({ code, http_status, message }: ErrorFacts): ErrorAnswer {
  if (code === 'unauthenticated') return plain(401, { error: { code: 401, title: titleOf(401), message } });
  if (code === 'route_not_found' || code === 'request_too_large')
    return plain(http_status, webob(http_status, message));
  const name = faultNames[http_status] ?? 'computeFault';
  return { http_status, body: { [name]: { code: http_status, message } }, is_fault: true };
}

function keystone(http_status: number, message: string): object {
  return { error: { code: http_status, message, title: titleOf(http_status) } };
}

/** The form of the WebOb library: Glance's answers and those of Nova's router. */
function webob(http_status: number, message: string): object {
  const title = titleOf(http_status);
  return { message: `${message}<br /><br />\n\n\n`, code: `${http_status} ${title}`, title };
}
