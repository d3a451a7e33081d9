import type { Queryable } from '../../shared/database/connect.ts';
import { imageId } from '../../shared/domain/ids.ts';
import { mintImageTicket } from '../../shared/domain/image-ticket.ts';
import type { ImageSourceMaker } from './drive/world.ts';

export interface ImageSourceOptions {
  /** Where hosts reach the api, without a slash at the end. */
  readonly public_url: string;
  readonly ticket_key: Buffer;
  readonly ticket_lifetime_seconds: number;
}

/** Makes the image part of what a host is told: where the bytes are, a ticket for them, what they must be. */
export function imageSourceMaker(options: ImageSourceOptions): ImageSourceMaker {
  return (image) => ({
    ...image,
    id: imageId(image.id),
    url: `${options.public_url}/image/v2/images/${image.id}/file`,
    ticket: mintImageTicket(
      options.ticket_key,
      image.id,
      Date.now() / 1000 + options.ticket_lifetime_seconds,
    ),
  });
}

/** The key that scheduler and api share; the schema's first migration makes it. */
export async function readImageTicketKey(database: Queryable): Promise<Buffer> {
  const { rows } = await database.query<{ value: Buffer }>(
    `select value from secrets where name = 'image_ticket_key'`,
  );
  const key = rows[0]?.value;
  if (key === undefined) throw new Error('the database has no image_ticket_key');
  return key;
}
