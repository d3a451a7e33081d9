import type { Configuration } from '../../shared/config/configuration.ts';
import { hostName, type HostName } from '../../shared/domain/ids.ts';

/** Both options have a computed default, so they always have a value; their declared type does not know. */

/** `host`: the name of the service, of its queue and of its broker user. */
export function hostOf({ DEFAULT }: Configuration): HostName {
  if (DEFAULT.host === null) throw new Error('option host has lost its computed default');
  return hostName(DEFAULT.host);
}

/** `my_ip`: where other hosts reach this one. */
export function addressOf({ DEFAULT }: Configuration): string {
  if (DEFAULT.my_ip === null) throw new Error('option my_ip has lost its computed default');
  return DEFAULT.my_ip;
}
