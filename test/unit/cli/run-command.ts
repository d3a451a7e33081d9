import { vi } from 'vitest';
import { CommandFailure } from '../../../services/cli/exit-codes.ts';
import { createParser } from '../../../services/cli/parser.ts';

/** `METHOD path` → the answer's JSON or text, or a function of the request's body. Paths begin after the service's root. */
export type Routes = Readonly<Record<string, unknown>>;

export interface CommandOutcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Null: the command ended well. */
  readonly failure: CommandFailure | null;
  /** Requests after the login, as `METHOD path body`. */
  readonly requests: readonly string[];
}

const root = 'http://cloud.test';
const catalog = ['compute', 'image', 'drover'].map((type) => ({
  type,
  endpoints: [{ interface: 'public', region: 'r', url: `${root}/${type}` }],
}));

/** Runs one command line in this process against answers that are given here. */
export async function runCommand(words: readonly string[], routes: Routes = {}): Promise<CommandOutcome> {
  const requests: string[] = [];
  const written = { stdout: '', stderr: '' };
  const catching = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  for (const [name, value] of Object.entries({
    OS_CLOUD: undefined,
    OS_AUTH_URL: `${root}/identity/v3`,
    OS_USERNAME: 'admin',
    OS_PASSWORD: 'secret',
    OS_PROJECT_NAME: 'admin',
  }))
    vi.stubEnv(name, value);
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => answer(url, init, routes, requests));
  try {
    await createParser(words)
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
    return { ...written, failure: null, requests };
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return { ...written, failure: error, requests };
  } finally {
    for (const spy of catching) spy.mockRestore();
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
  }
}

function answer(url: string, init: RequestInit, routes: Routes, requests: string[]): Response {
  const method = init.method ?? 'GET';
  if (url.endsWith('/auth/tokens')) {
    const token = { project: { id: 'p' }, roles: [{ name: 'admin' }], catalog };
    return Response.json({ token }, { status: 201, headers: { 'x-subject-token': 't' } });
  }
  const path = url.slice(root.length);
  const body = typeof init.body === 'string' ? init.body : '';
  requests.push(`${method} ${path}${body === '' ? '' : ` ${body}`}`);
  const found = routes[`${method} ${path}`];
  if (found === undefined)
    return Response.json({ error: { message: `no ${method} ${path}` } }, { status: 404 });
  return typeof found === 'string' ? new Response(found) : Response.json(found);
}

const serverId = '11111111-1111-4111-8111-111111111111';

/** Routes by which `vm1` is found. */
export const vm1Routes: Routes = {
  'GET /compute/servers/vm1': { server: { id: serverId, name: 'vm1', 'OS-EXT-SRV-ATTR:host': 'c1' } },
};
export const vm1 = serverId;
