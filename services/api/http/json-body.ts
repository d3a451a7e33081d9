import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/** As Nova's `[oslo_middleware] max_request_body_size`. */
export const BODY_BYTES_MAX = 114_688;

const decoder = new TextDecoder('utf-8', { fatal: true });
const jsonTypes =
  /^application\/(?:json|vnd\.openstack\.[a-z-]+\+json|openstack-images-v2\.\d-json-patch)\s*(?:;|$)/i;

/**
 * Reads bodies as JSON whatever route they are for. An empty body is `undefined`.
 * Besides broken JSON it refuses what PostgreSQL cannot store (NUL, half surrogate pairs) and the key
 * `__proto__`, so that no route has to think of them.
 */
export function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    '*',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (request, body, done) => {
      try {
        done(null, parseJson(request, body));
      } catch (error) {
        done(error as Error, undefined);
      }
    },
  );
}

function parseJson(request: FastifyRequest, body: Buffer): unknown {
  if (body.length === 0) return undefined;
  const type = request.headers['content-type'];
  if (type !== undefined && type !== '' && !jsonTypes.test(type))
    throw new DroverError('unsupported_content_type');
  try {
    const text = decoder.decode(body);
    const value: unknown = JSON.parse(text);
    if (/\\u0000|\\u[dD][89a-fA-F]|__proto__/.test(text) && !isStorable(value))
      throw new SyntaxError('holds what cannot be stored');
    return value;
  } catch (error) {
    throw new DroverError('malformed_request_body', {}, { cause: error });
  }
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(
    ([key, item]) => key !== '__proto__' && isStorableText(key) && isStorable(item),
  );
}

function isStorableText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
