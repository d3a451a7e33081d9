import type { Cell } from '../../output/format.ts';
import { list, number, text, type JsonRecord } from '../../session/json.ts';
import { onlyOne } from '../../session/only-one.ts';
import type { Session } from '../../session/session.ts';

/** An image as Image v2 shows it, by id or exact name. @throws CommandFailure (refused) when there is none or more than one */
export async function findImage(session: Session, name_or_id: string): Promise<JsonRecord> {
  const path = `/v2/images/${encodeURIComponent(name_or_id)}`;
  const direct = await session.request('image', 'GET', path, { accept: [404] });
  if (direct.status === 200) return direct.body as JsonRecord;
  const answer = await session.request('image', 'GET', `/v2/images?name=${encodeURIComponent(name_or_id)}`);
  return onlyOne(list(answer.body, 'images'), 'image', name_or_id);
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
