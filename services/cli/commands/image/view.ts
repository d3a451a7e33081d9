import type { Cell } from '../../output/format.ts';
import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { list, number, text, type JsonRecord } from '../../session/json.ts';
import type { Session } from '../../session/session.ts';

/** An image as Image v2 shows it, by id or exact name. @throws CommandFailure (refused) when there is none or more than one */
export async function findImage(session: Session, name_or_id: string): Promise<JsonRecord> {
  const path = `/v2/images/${encodeURIComponent(name_or_id)}`;
  const direct = await session.request('image', 'GET', path, { accept: [404] });
  if (direct.status === 200) return direct.body as JsonRecord;
  const answer = await session.request('image', 'GET', `/v2/images?name=${encodeURIComponent(name_or_id)}`);
  const found = list(answer.body, 'images');
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw found.length === 0
    ? new CommandFailure(ExitCode.refused, `No image with a name or id of '${name_or_id}' exists.`)
    : new CommandFailure(
        ExitCode.refused,
        `${found.length} images are named '${name_or_id}'.`,
        `Use an id: ${found.map((image) => text(image, 'id')).join(', ')}`,
      );
}

/** What a person wants to know of an image, in reading order. */
export function imageRow(image: JsonRecord): Record<string, Cell> {
  return {
    id: text(image, 'id'),
    name: text(image, 'name'),
    status: text(image, 'status'),
    disk_format: text(image, 'disk_format'),
    size_bytes: number(image, 'size'),
    virtual_size_bytes: number(image, 'virtual_size'),
    sha512: text(image, 'os_hash_value'),
    visibility: text(image, 'visibility'),
    owner: text(image, 'owner'),
    of_server: text(image, 'instance_uuid'),
    created: text(image, 'created_at'),
  };
}
