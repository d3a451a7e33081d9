import type { Pool, Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { newAuditId, newToken } from './ids.ts';
import { verifyPassword } from './passwords.ts';
import { hashToken, type TokenRecord } from './token-record.ts';
import type { AuthRequest, DomainChoice, ProjectChoice, UserChoice } from './auth-request.ts';

export interface IssueSettings {
  readonly token_expiration_seconds: number;
  readonly password_hash_cost: number;
}

/** The user who proved to be who they say, and how. */
interface Identified {
  readonly user_id: string;
  readonly default_project_id: string | null;
  readonly methods: readonly string[];
  /** Audit id of the token that a chain of tokens began with. */
  readonly parent_audit_id: string | null;
  /** A token made from a token does not live longer than that one. */
  readonly expires_at: Date | null;
}

type TokenFinder = (token: string) => Promise<TokenRecord | null>;

/**
 * Checks the credentials and makes a token. Whatever is wrong (no such user, wrong password, no role on the
 * project, no such project) the answer is the same, so that it tells nothing.
 * @returns the token; its record is read back with `readToken`
 * @throws DroverError unauthenticated (401), too_many_logins (429)
 */
export async function issueToken(
  pool: Pool,
  request: AuthRequest,
  settings: IssueSettings,
  findToken: TokenFinder,
): Promise<string> {
  const identified = await identify(pool, request, settings, findToken);
  const project_id = await chooseProject(pool, request, identified);
  const token = newToken();
  // Whole seconds: the answer writes them with six zeros, as Keystone does.
  const issued_at = new Date(Math.floor(Date.now() / 1000) * 1000);
  const expires_at =
    identified.expires_at ?? new Date(issued_at.getTime() + settings.token_expiration_seconds * 1000);
  const audit_ids = [newAuditId()];
  if (identified.parent_audit_id !== null) audit_ids.push(identified.parent_audit_id);
  await pool.query(
    `insert into tokens (token_hash, user_id, project_id, methods, audit_ids, issued_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [hashToken(token), identified.user_id, project_id, identified.methods, audit_ids, issued_at, expires_at],
  );
  return token;
}

async function identify(
  pool: Pool,
  request: AuthRequest,
  settings: IssueSettings,
  findToken: TokenFinder,
): Promise<Identified> {
  let identified: Identified | null = null;
  if (request.token !== null) {
    const parent = await findToken(request.token);
    if (parent === null) throw new DroverError('unauthenticated');
    identified = {
      user_id: parent.user.id,
      // A token that is exchanged keeps its scope only when the request says so.
      default_project_id: null,
      methods: [...new Set([...parent.methods, 'token'])],
      parent_audit_id: parent.audit_ids.at(-1) ?? null,
      expires_at: parent.expires_at,
    };
  }
  if (request.password !== null) {
    const user = await findUser(pool, request.password.user);
    const matches = await verifyPassword(
      request.password.password,
      user?.password_hash ?? null,
      settings.password_hash_cost,
    );
    if (!matches || user === null) throw new DroverError('unauthenticated');
    if (identified !== null && identified.user_id !== user.id) throw new DroverError('unauthenticated');
    identified = {
      user_id: user.id,
      default_project_id: user.default_project_id,
      methods: [...new Set(['password', ...(identified?.methods ?? [])])],
      parent_audit_id: identified?.parent_audit_id ?? null,
      expires_at: identified?.expires_at ?? null,
    };
  }
  if (identified === null) throw new DroverError('unauthenticated');
  return identified;
}

interface UserRow {
  readonly id: string;
  readonly password_hash: string | null;
  readonly default_project_id: string | null;
}

async function findUser(database: Queryable, choice: UserChoice): Promise<UserRow | null> {
  const { rows } = await database.query<UserRow>(
    `select users.id, users.password_hash, users.default_project_id
     from users join domains on domains.id = users.domain_id
     where users.enabled and domains.enabled
       and (users.id = $1 or (users.name = $2 and (domains.id = $3 or domains.name = $4)))
     limit 1`,
    [choice.id, choice.name, ...domainValues(choice.domain)],
  );
  return rows[0] ?? null;
}

/** @throws DroverError unauthenticated when the user has no role there */
async function chooseProject(
  database: Queryable,
  request: AuthRequest,
  identified: Identified,
): Promise<string | null> {
  const { scope } = request;
  if (scope.kind === 'unscoped') return null;
  if (scope.kind === 'default') {
    if (identified.default_project_id === null) return null;
    // A default project that is gone or forbidden gives an unscoped token, as in Keystone.
    const domain = { id: null, name: null };
    return findProject(database, identified.user_id, {
      id: identified.default_project_id,
      name: null,
      domain,
    });
  }
  const project_id =
    scope.kind === 'project' ? await findProject(database, identified.user_id, scope.project) : null;
  if (project_id === null) throw new DroverError('unauthenticated');
  return project_id;
}

async function findProject(
  database: Queryable,
  user_id: string,
  choice: ProjectChoice,
): Promise<string | null> {
  const { rows } = await database.query<{ id: string }>(
    `select projects.id
     from projects join domains on domains.id = projects.domain_id
     where projects.enabled and domains.enabled
       and (projects.id = $1 or (projects.name = $2 and (domains.id = $3 or domains.name = $4)))
       and exists (select from role_assignments where project_id = projects.id and user_id = $5)
     limit 1`,
    [choice.id, choice.name, ...domainValues(choice.domain), user_id],
  );
  return rows[0]?.id ?? null;
}

function domainValues(domain: DomainChoice): readonly (string | null)[] {
  return [domain.id, domain.name];
}
