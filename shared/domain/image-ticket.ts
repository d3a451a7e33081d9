import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ImageId } from './ids.ts';

/** The header a host sends to fetch an image's bytes; hosts have no users' tokens. */
export const imageTicketHeader = 'x-drover-image-ticket';

/** sha512 of an image's bytes: sent with an upload, which is refused when other bytes arrived, and told with a download. */
export const imageDigestHeader = 'x-drover-image-sha512';

/**
 * A ticket opens one image for reading, and for writing while it has no bytes, until a moment:
 * `<expiry, epoch seconds>.<hmac-sha256, hexadecimal>`.
 * @param key the secret `image_ticket_key` of the database (shared/database/secrets.ts)
 */
export function mintImageTicket(key: Buffer, image: ImageId, expires_at_seconds: number): string {
  return `${expires_at_seconds}.${signature(key, image, expires_at_seconds).toString('hex')}`;
}

/** True for a ticket of this image that has not expired. Compares in constant time. */
export function verifyImageTicket(key: Buffer, image: ImageId, ticket: string, now_seconds: number): boolean {
  const found = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(ticket);
  if (found === null) return false;
  const expires_at_seconds = Number(found[1]);
  const given = Buffer.from(found[2] ?? '', 'hex');
  return (
    timingSafeEqual(given, signature(key, image, expires_at_seconds)) && expires_at_seconds > now_seconds
  );
}

function signature(key: Buffer, image: ImageId, expires_at_seconds: number): Buffer {
  return createHmac('sha256', key).update(`${image}\n${expires_at_seconds}`).digest();
}
