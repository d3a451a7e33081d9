import type { Pool } from '../../../shared/database/connect.ts';
import { projectId, userId } from '../../../shared/domain/ids.ts';
import type { TokenAuthority } from '../http/authenticate.ts';
import type { Caller } from '../request-context.ts';
import { hashToken, readToken, type TokenRecord } from './token-record.ts';

/** How long a revoked token or a removed role may still count in another api process. */
const CACHE_MILLISECONDS = 3_000;
const CACHED_TOKENS_MAX = 10_000;

/** The token authority with what the identity routes need besides. */
export interface IdentityTokens extends TokenAuthority {
  /** The whole record behind a token, from the cache when it is fresh. */
  find(token: string): Promise<TokenRecord | null>;
  /** Call after every change of users, projects, roles or tokens: this process then answers by it at once. */
  forgetAll(): void;
}

interface CachedToken {
  readonly record: Promise<TokenRecord | null>;
  readonly read_at: number;
}

/**
 * Tokens are looked up in PostgreSQL at most once per cache time and process, and once for many requests
 * that arrive together. Unknown tokens are not kept: guessing must not push good ones out.
 * @param isAdmin the policy's `context_is_admin`
 */
export function createTokenAuthority(
  pool: Pool,
  isAdmin: (caller: Caller) => boolean,
  now: () => number = Date.now,
): IdentityTokens {
  const cache = new Map<string, CachedToken>();

  const find = async (token: string): Promise<TokenRecord | null> => {
    const hash = hashToken(token);
    const key = hash.toString('base64');
    const cached = cache.get(key);
    if (cached !== undefined && now() - cached.read_at < CACHE_MILLISECONDS) {
      const record = await cached.record;
      return record !== null && record.expires_at.getTime() > now() ? record : null;
    }
    const entry = { record: readToken(pool, hash), read_at: now() };
    cache.delete(key);
    cache.set(key, entry);
    if (cache.size > CACHED_TOKENS_MAX) {
      const oldest = cache.keys().next();
      if (oldest.done !== true) cache.delete(oldest.value);
    }
    const keepOnlyGood = (record: TokenRecord | null) => {
      if (record === null && cache.get(key) === entry) cache.delete(key);
    };
    entry.record.then(keepOnlyGood, () => keepOnlyGood(null));
    return entry.record;
  };

  return {
    find,
    forgetAll: () => cache.clear(),
    async authenticate(token) {
      const record = await find(token);
      if (record === null) return null;
      const caller = callerOf(record);
      return { ...caller, is_admin: isAdmin(caller) };
    },
  };
}

function callerOf(record: TokenRecord): Caller {
  return {
    user_id: userId(record.user.id),
    user_name: record.user.name,
    user_domain_id: record.user.domain.id,
    project_id: projectId(record.project?.id ?? ''),
    project_name: record.project?.name ?? '',
    project_domain_id: record.project?.domain.id ?? '',
    roles: record.roles.map((role) => role.name),
    is_admin: false,
    is_scoped: record.project !== null,
  };
}
