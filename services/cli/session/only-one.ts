import { CommandFailure, ExitCode } from '../exit-codes.ts';
import { text, type JsonRecord } from './json.ts';

/**
 * The one thing that a name or id stands for. A name that more than one bears is never guessed at.
 * @param found all that bear the name
 * @param kind one of them in words, its plural with an s: `server`
 * @throws CommandFailure (refused) when there is none or more than one
 */
export function onlyOne(found: readonly JsonRecord[], kind: string, name_or_id: string): JsonRecord {
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw only === undefined
    ? new CommandFailure(ExitCode.refused, `No ${kind} with a name or id of '${name_or_id}' exists.`)
    : new CommandFailure(
        ExitCode.refused,
        `${found.length} ${kind}s are named '${name_or_id}'.`,
        `Use an id: ${found.map((one) => text(one, 'id')).join(', ')}`,
      );
}
