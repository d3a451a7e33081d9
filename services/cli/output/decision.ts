import type { Row } from './format.ts';

/** A placement decision as the command line shows it, whether it was stored, asked for or simulated. */
export interface DecisionView {
  readonly summary: string;
  readonly chosen_host: string | null;
  readonly hosts_considered: number;
  readonly hosts_weighed: number;
  readonly reasons: ReadonlyArray<{
    readonly filter: string;
    readonly hosts: number;
    readonly example: string;
  }>;
  readonly nearest_miss: string | null;
  readonly warnings: readonly string[];
  readonly hosts: ReadonlyArray<{
    readonly host: string;
    readonly verdict: string;
    readonly weight: number | null;
    readonly reason: string;
  }>;
  readonly hosts_left_out: number;
}

export const decisionColumns = ['Host', 'Verdict', 'Weight', 'Reason'] as const;

/** One row per host, the best first. */
export function decisionRows(view: DecisionView): readonly Row[] {
  return view.hosts.map(({ host, verdict, weight, reason }) => ({
    Host: host,
    Verdict: verdict,
    Weight: weight === null ? null : weight.toFixed(2),
    Reason: reason,
  }));
}

/** What stands below the table: the outcome, the reasons counted, what would help. */
export function decisionSentences(view: DecisionView): readonly string[] {
  const { chosen_host, hosts_considered, hosts_weighed, reasons, nearest_miss, hosts_left_out } = view;
  const lines = [
    chosen_host === null
      ? `Chosen: none of ${counted(hosts_considered, 'host')}.`
      : `Chosen: ${chosen_host}; ${hosts_weighed} of ${counted(hosts_considered, 'host')} passed every filter.`,
  ];
  if (reasons.length > 0) {
    const list = reasons.map(({ filter, hosts, example }) => `${hosts} by ${filter} (${example})`);
    lines.push(`Rejected: ${list.join(', ')}.`);
  }
  if (nearest_miss !== null) lines.push(`Nearest miss: ${nearest_miss}.`);
  if (hosts_left_out > 0) lines.push(`${counted(hosts_left_out, 'more host')} not shown; see --hosts.`);
  for (const warning of view.warnings) lines.push(`Warning: ${warning}`);
  return lines;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
