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
    url: `${options.public_url}/image/v2/images/${image.id}/file`,
    ticket: mintImageTicket(options.ticket_key, image.id, expiresAt(options.ticket_lifetime_seconds)),
  });
}

/** Epoch seconds, whole. */
const expiresAt = (lifetime_seconds: number) => Math.ceil(Date.now() / 1000 + lifetime_seconds);
