import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { findServerId } from '../../session/find-server.ts';
import { list, record, type JsonRecord } from '../../session/json.ts';
import type { Session } from '../../session/session.ts';

/** Finds a migration by its UUID, its number, or the name or id of the server whose newest one is meant. */
export async function findMigration(session: Session, word: string): Promise<JsonRecord> {
  const direct = await session.request('drover', 'GET', `/migrations/${encodeURIComponent(word)}`, {
    accept: [400, 404],
  });
  if (direct.status === 200) return record(direct.body, 'migration');
  const id = await findServerId(session, word);
  const [newest] = list(
    (await session.request('drover', 'GET', `/migrations?server=${id}&limit=1`)).body,
    'migrations',
  );
  if (newest === undefined)
    throw new CommandFailure(ExitCode.refused, `Server '${word}' was never migrated.`);
  return newest;
}
