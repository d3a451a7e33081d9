import type { IncomingHttpHeaders } from 'node:http';
import { DroverError } from '../../../shared/errors/drover-error.ts';

const MINOR_MIN = 1;
const MINOR_MAX = 93;

export const versionMin = `2.${MINOR_MIN}`;
export const versionMax = `2.${MINOR_MAX}`;

/** The version of the Compute API that a request asked for. Only major version 2 exists. */
export class Microversion {
  readonly minor: number;

  constructor(minor: number) {
    this.minor = minor;
  }

  /** True if the request's version is this one or newer. */
  atLeast(major: 2, minor: number): boolean {
    return major === 2 && this.minor >= minor;
  }

  toString(): string {
    return `2.${this.minor}`;
  }
}

export const oldestMicroversion = new Microversion(MINOR_MIN);

/** What the headers ask for: `text` as it was written (it is repeated in the answer's headers), or null. */
export function requestedVersion(headers: IncomingHttpHeaders): string | null {
  const standard = headers['openstack-api-version'];
  if (standard !== undefined) {
    let found: string | null = null;
    for (const entry of String(standard).split(',')) {
      const [service, version] = entry.trim().split(/\s+/, 2);
      if (service?.toLowerCase() === 'compute' && version !== undefined) found = version;
    }
    if (found !== null) return found;
  }
  const legacy = headers['x-openstack-nova-api-version'];
  return legacy === undefined ? null : (String(legacy).split(',').at(-1)?.trim() ?? null);
}

export interface ParsedVersion {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/**
 * Reads the version headers; none means 2.1, `latest` the newest.
 * @throws DroverError microversion_malformed (400)
 */
export function parseVersion(headers: IncomingHttpHeaders): ParsedVersion {
  const text = requestedVersion(headers);
  if (text === null) return { major: 2, minor: MINOR_MIN, text: versionMin };
  if (text === 'latest') return { major: 2, minor: MINOR_MAX, text: versionMax };
  const found = /^([1-9]\d*)\.([1-9]\d*|0)$/.exec(text);
  if (found === null) throw new DroverError('microversion_malformed', { version: text });
  return { major: Number(found[1]), minor: Number(found[2]), text };
}

/** @throws DroverError microversion_unsupported (406) */
export function supportedVersion(version: ParsedVersion): Microversion {
  if (version.major !== 2 || version.minor < MINOR_MIN || version.minor > MINOR_MAX)
    throw new DroverError('microversion_unsupported', {
      version: version.text,
      oldest: versionMin,
      newest: versionMax,
    });
  return new Microversion(version.minor);
}

/**
 * Guards a route that exists from `first` on, or only until `last` (both inclusive minor versions).
 * Nova answers 404 for a method that the version does not have (facts document, section 1.1).
 * @throws DroverError not_in_version
 */
export function requireVersion(
  version: Microversion,
  bounds: { readonly first?: number; readonly last?: number },
): void {
  if (version.minor < (bounds.first ?? MINOR_MIN) || version.minor > (bounds.last ?? MINOR_MAX))
    throw new DroverError('not_in_version');
}
