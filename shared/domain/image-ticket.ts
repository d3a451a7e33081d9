import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * A host fetches an image without a user's token and without the database: the scheduler gives it a ticket for that
 * one image and a short time, made with a key that only scheduler and api know (table secrets, `image_ticket_key`).
 *
 *   ticket = <expiry, epoch seconds> "." <hex HMAC-SHA256 of "<image id>\n<expiry>">
 */
export const IMAGE_TICKET_HEADER = 'X-Drover-Image-Ticket';

/** @param expires_at_seconds epoch seconds. */
export function mintImageTicket(key: Buffer, image_id: string, expires_at_seconds: number): string {
  const expiry = Math.floor(expires_at_seconds);
  return `${expiry}.${signature(key, image_id, expiry).toString('hex')}`;
}

/** True when the ticket is for this image and has not expired. Anything malformed is false. */
export function isImageTicketValid(
  key: Buffer,
  image_id: string,
  ticket: string,
  now_seconds: number,
): boolean {
  const parts = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(ticket);
  if (parts?.[1] === undefined || parts[2] === undefined) return false;
  const expiry = Number(parts[1]);
  const given = Buffer.from(parts[2], 'hex');
  // The signature first: how long the answer takes must not depend on the expiry.
  return timingSafeEqual(given, signature(key, image_id, expiry)) && now_seconds < expiry;
}

function signature(key: Buffer, image_id: string, expiry: number): Buffer {
  return createHmac('sha256', key).update(`${image_id}\n${expiry}`).digest();
}
