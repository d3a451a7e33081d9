/** A logged-in user of a cluster's api: as much of a client as the scripts and the end-to-end tests need. */
export interface Session {
  /** http://127.0.0.1:PORT */
  readonly api_url: string;
  readonly token: string;
  readonly project_id: string;
}

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly project: string;
}

/** An answer of 400 or more: method, path, status and what the api said. */
export class RequestRefused extends Error {
  readonly status: number;

  constructor(method: string, path: string, status: number, body: string) {
    super(`${method} ${path}: ${status} ${body}`);
    this.name = 'RequestRefused';
    this.status = status;
  }
}

/** @throws RequestRefused when the api does not let the user in */
export async function logIn(api_url: string, login: Login): Promise<Session> {
  const domain = { name: 'Default' };
  const response = await fetch(`${api_url}/identity/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: login.user, password: login.password, domain } },
        },
        scope: { project: { name: login.project, domain } },
      },
    }),
  });
  const text = await response.text();
  const token = response.headers.get('X-Subject-Token');
  if (!response.ok || token === null)
    throw new RequestRefused('POST', '/identity/v3/auth/tokens', response.status, text);
  const body = JSON.parse(text) as { token: { project: { id: string } } };
  return { api_url, token, project_id: body.token.project.id };
}

/**
 * Sends one request. `Answer` is what the caller knows the api to answer; an empty body is undefined.
 * @param microversion of the Compute API, `2.1` by default
 * @throws RequestRefused for a status of 400 or more
 */
export async function request<Answer>(
  session: Session,
  method: string,
  path: string,
  body?: object,
  microversion = '2.1',
): Promise<Answer> {
  const response = await fetch(`${session.api_url}${path}`, {
    method,
    headers: {
      'X-Auth-Token': session.token,
      'OpenStack-API-Version': `compute ${microversion}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new RequestRefused(method, path, response.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}
