import { createHash } from 'node:crypto';
import type { Queryable } from '../../../shared/database/connect.ts';

export interface RoleReference {
  readonly id: string;
  readonly name: string;
}

export interface DomainReference {
  readonly id: string;
  readonly name: string;
}

/** Everything a token stands for, as it is now: roles are read anew, so that a removed role counts at once. */
export interface TokenRecord {
  readonly hash: Buffer;
  readonly methods: readonly string[];
  readonly audit_ids: readonly string[];
  readonly issued_at: Date;
  readonly expires_at: Date;
  readonly user: { readonly id: string; readonly name: string; readonly domain: DomainReference };
  /** Null for an unscoped token. */
  readonly project: { readonly id: string; readonly name: string; readonly domain: DomainReference } | null;
  /** With implied ones, by name. Empty for an unscoped token. */
  readonly roles: readonly RoleReference[];
}

/** What is stored of a token: a copy of the table lets nobody in. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Roles of one user on one project with everything they imply; $user and $project are SQL expressions. */
export const effectiveRolesSql = (user: string, project: string): string => `
  with recursive effective (role_id) as (
    select role_id from role_assignments where user_id = ${user} and project_id = ${project}
    union
    select implied_role_id from role_implications join effective on prior_role_id = effective.role_id
  )
  select coalesce(json_agg(json_build_object('id', roles.id, 'name', roles.name) order by roles.name), '[]') as roles
  from effective join roles on roles.id = effective.role_id`;

interface TokenRow {
  readonly methods: string[];
  readonly audit_ids: string[];
  readonly issued_at: Date;
  readonly expires_at: Date;
  readonly user: TokenRecord['user'];
  readonly project: TokenRecord['project'];
  readonly roles: RoleReference[];
}

/**
 * Reads a token. Null when it is unknown or expired, its user, project or domain is disabled or gone, or the
 * user no longer has a role on its project.
 */
export async function readToken(database: Queryable, hash: Buffer): Promise<TokenRecord | null> {
  const { rows } = await database.query<TokenRow>(
    `select tokens.methods, tokens.audit_ids, tokens.issued_at, tokens.expires_at,
       json_build_object('id', users.id, 'name', users.name,
         'domain', json_build_object('id', user_domain.id, 'name', user_domain.name)) as "user",
       case when projects.id is null then null else json_build_object('id', projects.id, 'name', projects.name,
         'domain', json_build_object('id', project_domain.id, 'name', project_domain.name)) end as project,
       granted.roles
     from tokens
     join users on users.id = tokens.user_id and users.enabled
     join domains user_domain on user_domain.id = users.domain_id and user_domain.enabled
     left join projects on projects.id = tokens.project_id and projects.enabled
     left join domains project_domain on project_domain.id = projects.domain_id and project_domain.enabled
     cross join lateral (${effectiveRolesSql('tokens.user_id', 'tokens.project_id')}) granted
     where tokens.token_hash = $1 and tokens.expires_at > now()
       and (tokens.project_id is null or project_domain.id is not null)`,
    [hash],
  );
  const row = rows[0];
  if (row === undefined || (row.project !== null && row.roles.length === 0)) return null;
  return { ...row, hash };
}
