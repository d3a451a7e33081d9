import type { FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { bodySchema } from '../http/validate.ts';
import { PASSWORD_LENGTH_MAX } from './passwords.ts';
import { bodyOf } from './requests.ts';

export interface DomainChoice {
  readonly id: string | null;
  readonly name: string | null;
}
export interface UserChoice {
  readonly id: string | null;
  readonly name: string | null;
  readonly domain: DomainChoice;
}
export type ProjectChoice = UserChoice;

export type Scope =
  | { readonly kind: 'default' }
  | { readonly kind: 'unscoped' }
  | { readonly kind: 'project'; readonly project: ProjectChoice }
  /** A scope we do not have (domain, system, trust): nobody has a role on it. */
  | { readonly kind: 'unknown' };

/** The credentials of a POST /v3/auth/tokens, of every method it names. */
export interface AuthRequest {
  readonly password: { readonly user: UserChoice; readonly password: string } | null;
  readonly token: string | null;
  readonly scope: Scope;
}

interface DomainBody {
  readonly id?: string;
  readonly name?: string;
}
interface NamedBody {
  readonly id?: string;
  readonly name?: string;
  readonly domain?: DomainBody;
}
interface AuthBody {
  readonly identity: {
    readonly methods: readonly string[];
    readonly password?: { readonly user: NamedBody & { readonly password: string } };
    readonly token?: { readonly id: string };
  };
  readonly scope?: string | { readonly project?: NamedBody; readonly unscoped?: unknown };
}

const text: JsonSchema = { type: 'string', maxLength: 255 };
const domain: JsonSchema = { type: 'object', properties: { id: text, name: text } };
const authSchema = bodySchema<AuthBody>({
  type: 'object',
  properties: {
    identity: {
      type: 'object',
      properties: {
        methods: { type: 'array', items: { type: 'string' }, maxItems: 10 },
        password: {
          type: 'object',
          properties: {
            user: {
              type: 'object',
              properties: {
                id: text,
                name: text,
                password: { type: 'string', maxLength: PASSWORD_LENGTH_MAX },
                domain,
              },
              required: ['password'],
            },
          },
          required: ['user'],
        },
        token: { type: 'object', properties: { id: text }, required: ['id'] },
      },
      required: ['methods'],
    },
    scope: {
      type: ['object', 'string'],
      properties: { project: { type: 'object', properties: { id: text, name: text, domain } } },
    },
  },
  required: ['identity'],
});

/**
 * Reads the body of POST /v3/auth/tokens.
 * @throws DroverError identity_body_incomplete, identity_body_invalid (400), unauthenticated for a method we lack
 */
export function readAuthRequest(request: FastifyRequest): AuthRequest {
  const { identity, scope } = bodyOf(request, 'auth', authSchema);
  if (
    identity.methods.length === 0 ||
    identity.methods.some((name) => name !== 'password' && name !== 'token')
  )
    throw new DroverError('unauthenticated');
  const uses = (method: string) => identity.methods.includes(method);
  if (uses('password') && identity.password === undefined) incomplete('password', 'identity');
  if (uses('token') && identity.token === undefined) incomplete('token', 'identity');
  const user = uses('password') ? identity.password?.user : undefined;
  return {
    password: user === undefined ? null : { user: choiceOf(user, 'user'), password: user.password },
    token: uses('token') ? (identity.token?.id ?? null) : null,
    scope: scopeOf(scope),
  };
}

function scopeOf(scope: AuthBody['scope']): Scope {
  if (scope === undefined) return { kind: 'default' };
  if (typeof scope === 'string') return scope === 'unscoped' ? { kind: 'unscoped' } : { kind: 'unknown' };
  if (scope.project !== undefined) return { kind: 'project', project: choiceOf(scope.project, 'project') };
  return 'unscoped' in scope ? { kind: 'unscoped' } : { kind: 'unknown' };
}

/** A user or project is named by its id, or by its name and its domain. */
function choiceOf(body: NamedBody, target: string): UserChoice {
  if (body.id === undefined) {
    if (body.name === undefined) incomplete('id or name', target);
    if (body.domain === undefined) incomplete('domain', target);
    if (body.domain?.id === undefined && body.domain?.name === undefined) incomplete('id or name', 'domain');
  }
  return {
    id: body.id ?? null,
    name: body.id === undefined ? (body.name ?? null) : null,
    domain: { id: body.domain?.id ?? null, name: body.domain?.name ?? null },
  };
}

function incomplete(attribute: string, target: string): never {
  throw new DroverError('identity_body_incomplete', { attribute, target });
}
