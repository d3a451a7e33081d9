import { lastValue } from '../http/validate.ts';

const HOSTS_MAX_DEFAULT = 20;
const HOSTS_MAX_LIMIT = 100_000;

/** Query parameter `hosts`: how many hosts of a decision are shown. */
export const hostsMaxSchema = { type: 'string', pattern: '^[0-9]{1,6}$' } as const;

export function hostsMaxOf(query: Parameters<typeof lastValue>[0]): number {
  return Math.min(Number(lastValue(query, 'hosts') ?? HOSTS_MAX_DEFAULT), HOSTS_MAX_LIMIT);
}
