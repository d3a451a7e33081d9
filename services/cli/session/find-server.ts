import { list, record, text, type JsonRecord } from './json.ts';
import { onlyOne } from './only-one.ts';
import type { Session } from './session.ts';

/**
 * Finds a server by id or exact name, in the caller's project or, for those who may, in any.
 * @throws CommandFailure (refused) when there is none or more than one.
 */
export async function findServer(session: Session, name_or_id: string): Promise<JsonRecord> {
  const direct = await session.request('compute', 'GET', `/servers/${encodeURIComponent(name_or_id)}`, {
    accept: [404],
  });
  if (direct.status === 200) return record(direct.body, 'server');
  // The name is a pattern on the server's side: what it matches is compared again here.
  const pattern = encodeURIComponent(`^${name_or_id.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`);
  const scope = session.roles.includes('admin') ? '&all_tenants=1' : '';
  const answer = await session.request('compute', 'GET', `/servers/detail?name=${pattern}${scope}`);
  const found = list(answer.body, 'servers').filter((server) => text(server, 'name') === name_or_id);
  return onlyOne(found, 'server', name_or_id);
}

/** As findServer, for commands that need only the id. */
export async function findServerId(session: Session, name_or_id: string): Promise<string> {
  return text(await findServer(session, name_or_id), 'id') ?? name_or_id;
}
