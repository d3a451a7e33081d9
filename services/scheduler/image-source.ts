import type { ImageId } from '../../shared/domain/ids.ts';
import { mintImageTicket } from '../../shared/domain/image-ticket.ts';
import type { ImageSourceMaker } from './drive/world.ts';

export interface ImageSourceOptions {
  /** Where hosts reach the api, without a slash at the end. */
  readonly public_url: string;
  readonly ticket_key: Buffer;
  readonly ticket_lifetime_seconds: number;
}

/** A ticket is handed out again as long as this share of its life is before it. */
const FRESH_SHARE = 0.9;
const TICKETS_MAX = 1000;

/**
 * Makes the image part of what a host is told: where the bytes are, a ticket for them, what they must be. Tickets
 * are kept for a while: an operation is read for each of its events, and few of these need one.
 */
export function imageSourceMaker(options: ImageSourceOptions): ImageSourceMaker {
  const { ticket_lifetime_seconds, ticket_key } = options;
  const tickets = new Map<ImageId, { readonly ticket: string; readonly expires_at_seconds: number }>();
  const ticketOf = (image: ImageId): string => {
    const now_seconds = Date.now() / 1000;
    const known = tickets.get(image);
    if (
      known !== undefined &&
      known.expires_at_seconds - now_seconds >= ticket_lifetime_seconds * FRESH_SHARE
    ) {
      return known.ticket;
    }
    const expires_at_seconds = Math.ceil(now_seconds + ticket_lifetime_seconds);
    const ticket = mintImageTicket(ticket_key, image, expires_at_seconds);
    if (tickets.size >= TICKETS_MAX) tickets.clear();
    tickets.set(image, { ticket, expires_at_seconds });
    return ticket;
  };
  return (image) => ({
    ...image,
    url: `${options.public_url}/image/v2/images/${image.id}/file`,
    ticket: ticketOf(image.id),
  });
}
