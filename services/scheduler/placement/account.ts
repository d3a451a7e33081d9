import type { HostName } from '../../../shared/domain/ids.ts';
import type { Decision, NoValidHost, RejectionGroup, WeighedHost } from './decision.ts';
import { noValidHost } from './no-valid-host.ts';
import { rejectionOf } from './rejections.ts';

/** What a decision says about one host, in words that need no knowledge of the code. */
export interface HostAccount {
  readonly host: HostName;
  /**
   * chosen; alternate: would have been tried next; possible: passed every filter; refused: was chosen, but had changed
   * when it was to be claimed; rejected: by a filter.
   */
  readonly verdict: 'chosen' | 'alternate' | 'possible' | 'refused' | 'rejected';
  /** Null for a host that was not weighed. */
  readonly weight: number | null;
  readonly reason: string;
}

/** A decision as a person reads it: short whatever the size of the cluster. */
export interface DecisionAccount {
  readonly considered: number;
  readonly weighed: number;
  readonly chosen_host: HostName | null;
  readonly alternates: readonly HostName[];
  /** Hosts that shared the best weight. */
  readonly ties: number;
  readonly survivors: Decision['survivors'];
  /** Why hosts were rejected, counted, most hosts first. */
  readonly reasons: NoValidHost['counts'];
  readonly nearest_miss: string | null;
  readonly warnings: readonly string[];
  readonly hosts: readonly HostAccount[];
  /** Hosts about which `hosts` says nothing, for the sake of its length. */
  readonly hosts_left_out: number;
}

export interface AccountOptions {
  readonly hosts_max: number;
  /** The host that was claimed, when that is known to be another than the decision's first choice; null: none. */
  readonly claimed?: HostName | null;
  /** Hosts that were to be claimed and had changed meanwhile, each with the sentence why. */
  readonly refusals?: ReadonlyMap<string, string>;
}

/** Puts a decision into words, best host first. Pure. */
export function accountOf(decision: Decision, options: AccountOptions): DecisionAccount {
  const { considered, weighed, alternates, ties, survivors, warnings, rejections } = decision;
  const refusals = options.refusals ?? new Map<string, string>();
  const chosen_host = options.claimed === undefined ? decision.chosen : options.claimed;
  const weighedHosts = decision.ranked.map((ranked): HostAccount => {
    const refusal = refusals.get(ranked.host);
    if (refusal !== undefined && ranked.host !== chosen_host) {
      return {
        host: ranked.host,
        verdict: 'refused',
        weight: ranked.weight,
        reason: `when it was to be claimed, it ${refusal}`,
      };
    }
    return {
      host: ranked.host,
      verdict:
        ranked.host === chosen_host ? 'chosen' : alternates.includes(ranked.host) ? 'alternate' : 'possible',
      weight: ranked.weight,
      reason: weighed === 1 ? 'the only host that passes every filter' : weightInWords(ranked),
    };
  });
  // The choice first, though chance may have drawn it from further down.
  weighedHosts.sort((left, right) => Number(right.verdict === 'chosen') - Number(left.verdict === 'chosen'));
  const hosts = weighedHosts.slice(0, options.hosts_max);
  hosts.push(...rejectedHosts(rejections.groups(), options.hosts_max - hosts.length));
  return {
    considered,
    weighed,
    chosen_host,
    alternates,
    ties,
    survivors,
    reasons: noValidHost(considered, rejections, null).counts,
    nearest_miss: decision.no_valid_host?.nearest_miss ?? null,
    warnings,
    hosts,
    hosts_left_out: considered - hosts.length,
  };
}

/** What made the weight, largest part first; weighers that said nothing are left out. */
function weightInWords({ parts }: WeighedHost): string {
  const shares = parts
    .map(({ weigher, normalised, multiplier }) => ({ weigher, share: multiplier * normalised }))
    .filter(({ share }) => share !== 0)
    .sort((left, right) => Math.abs(right.share) - Math.abs(left.share));
  if (shares.length === 0) return 'no weigher tells the hosts apart';
  return shares.map(({ weigher, share }) => `${weigher} ${signed(share)}`).join(', ');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}

/** Hosts of every reason, taking turns, so that a long list of one reason does not hide the others. */
function rejectedHosts(groups: readonly RejectionGroup[], hosts_max: number): readonly HostAccount[] {
  const shares = shareOut(
    groups.map((group) => group.hosts.length),
    hosts_max,
  );
  return groups.flatMap((group, index) => nearestFirst(group, shares[index] ?? 0));
}

/** How many of each, when `budget` are given out one by one in turns. */
function shareOut(sizes: readonly number[], budget: number): readonly number[] {
  const shares = sizes.map(() => 0);
  let left = Math.max(0, budget);
  let open = sizes.map((_, index) => index);
  while (left > 0 && open.length > 0) {
    const each = Math.max(1, Math.floor(left / open.length));
    for (const index of open) {
      const given = Math.min(each, (sizes[index] ?? 0) - (shares[index] ?? 0), left);
      shares[index] = (shares[index] ?? 0) + given;
      left -= given;
    }
    open = open.filter((index) => (shares[index] ?? 0) < (sizes[index] ?? 0));
  }
  return shares;
}

function nearestFirst(group: RejectionGroup, count: number): readonly HostAccount[] {
  if (count === 0) return [];
  const places = group.hosts.map((_, index) => index);
  const { availables } = group;
  if (availables !== undefined && group.unit !== undefined) {
    places.sort((left, right) => (availables[right] ?? 0) - (availables[left] ?? 0));
  }
  return places.slice(0, count).flatMap((place) => {
    const host = group.hosts[place];
    if (host === undefined) return [];
    const { filter, message } = rejectionOf(group, host, availables?.[place] ?? Number.NaN);
    return [{ host, verdict: 'rejected' as const, weight: null, reason: `${filter}: ${message}` }];
  });
}
