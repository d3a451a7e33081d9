import { CommandFailure, ExitCode } from '../exit-codes.ts';
import type { Credentials } from './credentials.ts';
import { apiFailure } from './api-failure.ts';

export type ServiceType = 'compute' | 'identity' | 'image' | 'drover';

export interface Answer {
  readonly status: number;
  readonly body: Json;
  /** The body as it came, for what is no JSON. */
  readonly text: string;
  readonly request_id: string | null;
}

/** JSON of which a command knows only some fields; read with the functions of json.ts. */
export type Json = unknown;

const REQUEST_TIMEOUT_MS = 60_000;
/** The newest microversion that Drover speaks: shows the most. */
const COMPUTE_MICROVERSION = '2.93';

/** A login and the addresses that it gave. */
export class Session {
  readonly #token: string;
  readonly #endpoints: ReadonlyMap<string, string>;
  readonly project_id: string;
  readonly roles: readonly string[];

  private constructor(
    token: string,
    endpoints: ReadonlyMap<string, string>,
    project_id: string,
    roles: readonly string[],
  ) {
    this.#token = token;
    this.#endpoints = endpoints;
    this.project_id = project_id;
    this.roles = roles;
  }

  /** Logs in with a password. @throws CommandFailure (refused) */
  static async open(credentials: Credentials): Promise<Session> {
    const { username, password, user_domain, project, project_domain } = credentials;
    const answer = await send(
      `${credentials.auth_url}/auth/tokens`,
      'POST',
      {},
      {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: username, password, domain: { name: user_domain } } },
          },
          scope: { project: { name: project, domain: { name: project_domain } } },
        },
      },
    );
    if (answer.status === 401) {
      throw new CommandFailure(
        ExitCode.refused,
        `Login refused for user '${username}' on project '${project}' at ${credentials.auth_url}.`,
        'Check OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME.',
      );
    }
    if (answer.status !== 201) throw apiFailure(answer);
    const token = answer.token ?? '';
    const { token: details } = answer.body as TokenBody;
    const endpoints = new Map<string, string>();
    for (const entry of details.catalog) {
      const endpoint = entry.endpoints.find(
        (candidate) =>
          candidate.interface === 'public' &&
          (credentials.region === null || candidate.region === credentials.region),
      );
      if (endpoint !== undefined) endpoints.set(entry.type, endpoint.url.replace(/\/+$/, ''));
    }
    // Nova's catalog has no such service, and clients that know only Nova must find what they know.
    const compute = endpoints.get('compute');
    if (!endpoints.has('drover') && compute !== undefined) endpoints.set('drover', droverBeside(compute));
    return new Session(
      token,
      endpoints,
      details.project.id,
      details.roles.map((role) => role.name),
    );
  }

  /**
   * One request. @param path below the service's catalog URL, with its leading slash.
   * @throws CommandFailure (refused) for every answer that is no success, unless its status is in `accept`.
   */
  async request(
    service: ServiceType,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options: { readonly body?: object; readonly accept?: readonly number[] } = {},
  ): Promise<Answer> {
    const base = this.#endpoints.get(service);
    if (base === undefined) {
      throw new CommandFailure(ExitCode.refused, `The catalog has no public endpoint of type '${service}'.`);
    }
    const headers: Record<string, string> = { 'x-auth-token': this.#token };
    if (service === 'compute') headers['openstack-api-version'] = `compute ${COMPUTE_MICROVERSION}`;
    const answer = await send(base + path, method, headers, options.body);
    if (answer.status >= 400 && options.accept?.includes(answer.status) !== true) throw apiFailure(answer);
    return answer;
  }

  /** A body that does not fit into memory, piece by piece. @throws CommandFailure (refused) */
  async download(service: ServiceType, path: string): Promise<AsyncIterable<Uint8Array>> {
    const base = this.#endpoints.get(service);
    if (base === undefined)
      throw new CommandFailure(ExitCode.refused, `The catalog has no public endpoint of type '${service}'.`);
    const response = await fetch(base + path, { headers: { 'x-auth-token': this.#token } });
    if (response.status === 200 && response.body !== null) return response.body;
    const text = await response.text();
    throw apiFailure({ status: response.status, body: parsed(text), request_id: null });
  }
}

/** Null for what is no JSON. */
function parsed(text: string): Json {
  try {
    return text === '' ? null : (JSON.parse(text) as Json);
  } catch {
    return null;
  }
}

/** Drover v1 is served by the process that serves Compute, at the same root. */
function droverBeside(compute_url: string): string {
  return `${compute_url.replace(/(?:\/compute)?\/v2(?:\.1)?(?:\/[0-9a-f]{32})?$/, '')}/drover/v1`;
}

interface TokenBody {
  readonly token: {
    readonly project: { readonly id: string };
    readonly roles: ReadonlyArray<{ readonly name: string }>;
    readonly catalog: ReadonlyArray<{
      readonly type: string;
      readonly endpoints: ReadonlyArray<{
        readonly interface: string;
        readonly region: string;
        readonly url: string;
      }>;
    }>;
  };
}

async function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: object,
): Promise<Answer & { readonly token: string | null }> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch (error) {
    const { origin } = new URL(url);
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandFailure(
      ExitCode.refused,
      `${origin} could not be reached: ${cause}.`,
      'Is the api running?',
    );
  }
  const text = await response.text();
  return {
    status: response.status,
    body: parsed(text),
    text,
    request_id: response.headers.get('x-openstack-request-id'),
    token: response.headers.get('x-subject-token'),
  };
}
