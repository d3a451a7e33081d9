import { DroverError } from '../../../shared/errors/drover-error.ts';

const GUEST_HOSTNAME_LENGTH_MAX = 63;

export interface RequestedZone {
  readonly zone: string | null;
  readonly host: string | null;
  readonly node: string | null;
}

/** Reads `zone`, `zone:host`, `zone:host:node` or `zone::node`. @throws DroverError availability_zone_malformed */
export function parseZone(text: string | undefined): RequestedZone {
  if (text === undefined) return { zone: null, host: null, node: null };
  const parts = text.split(':');
  if (parts.length > 3) throw new DroverError('availability_zone_malformed');
  const [zone = '', host = '', node = ''] = parts;
  const orNull = (part: string): string | null => (part === '' ? null : part);
  return { zone: orNull(zone), host: orNull(host), node: orNull(node) };
}

/**
 * A server's name as a host name for its guest: lower case, blanks, dots and underscores become hyphens, other characters
 * go; `Server-<uuid>` if nothing is left (Nova's rule).
 */
export function guestHostname(name: string, uuid: string): string {
  const plain = name
    .normalize('NFC')
    .replaceAll(/[\s._]+/g, '-')
    .replaceAll(/[^A-Za-z0-9-]/g, '')
    .toLowerCase()
    .replaceAll(/^-+/g, '')
    .slice(0, GUEST_HOSTNAME_LENGTH_MAX)
    .replaceAll(/-+$/g, '');
  return plain === '' ? `Server-${uuid}` : plain;
}

/** Image properties as texts: what filters and hosts read. */
export function textProperties(properties: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}
