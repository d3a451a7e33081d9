import { accountOf, type DecisionAccount } from '../../scheduler/placement/account.ts';
import type { Decision } from '../../scheduler/placement/decision.ts';

/** A decision that was only asked for: its short form, and what it says of the hosts. */
export function dryRunView(server_id: string, decision: Decision, hosts_max: number): object {
  return {
    server_id,
    summary:
      decision.no_valid_host?.message ?? `${decision.chosen ?? ''} of ${decision.weighed} that would do`,
    ...accountView(accountOf(decision, { hosts_max })),
  };
}

/** In Drover v1. Short whatever the size of the cluster: `hosts_left_out` says how much is not shown. */
export function accountView(account: DecisionAccount): object {
  const { considered, weighed, survivors, hosts, ...rest } = account;
  return {
    ...rest,
    hosts_considered: considered,
    hosts_weighed: weighed,
    hosts_after_each_filter: survivors,
    hosts,
  };
}
