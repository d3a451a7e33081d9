import {
  decisionColumns,
  decisionRows,
  decisionSentences,
  type DecisionView,
} from '../../output/decision.ts';
import { renderList } from '../../output/format.ts';
import { list, number, text, texts, type JsonRecord } from '../../session/json.ts';
import { printList, printOne, type CommonArguments } from '../context.ts';

/** How many hosts of a decision a command shows. */
export const hostsOption = {
  type: 'number',
  default: 20,
  describe: 'Show at most so many hosts; every reason is represented',
} as const;

export function decisionView(decision: JsonRecord): DecisionView {
  return {
    summary: text(decision, 'summary') ?? '',
    chosen_host: text(decision, 'chosen_host'),
    hosts_considered: number(decision, 'hosts_considered') ?? 0,
    hosts_weighed: number(decision, 'hosts_weighed') ?? 0,
    reasons: list(decision, 'reasons').map((reason) => ({
      filter: text(reason, 'filter') ?? '',
      hosts: number(reason, 'hosts') ?? 0,
      example: text(reason, 'example') ?? '',
    })),
    nearest_miss: text(decision, 'nearest_miss'),
    warnings: texts(decision, 'warnings'),
    hosts: list(decision, 'hosts').map((host) => ({
      host: text(host, 'host') ?? '',
      verdict: text(host, 'verdict') ?? '',
      weight: number(host, 'weight'),
      reason: text(host, 'reason') ?? '',
    })),
    hosts_left_out: number(decision, 'hosts_left_out') ?? 0,
  };
}

/**
 * For people one table and what it comes to; as JSON or YAML the whole decision; as CSV or bare values the table's rows.
 * @param whole what JSON and YAML print.
 */
export function printDecision(view: DecisionView, whole: object, options: CommonArguments): void {
  if (options.format === 'json' || options.format === 'yaml') {
    if (options.column.length === 0) printOne({ ...whole }, options);
    else printList(decisionColumns, decisionRows(view), options);
    return;
  }
  if (options.format !== 'table') {
    printList(decisionColumns, decisionRows(view), options);
    return;
  }
  process.stdout.write(`${decisionText(view, options)}\n`);
}

/** The table and the sentences below it. */
export function decisionText(view: DecisionView, options: CommonArguments): string {
  const rows = decisionRows(view);
  const table =
    rows.length === 0
      ? []
      : [renderList(decisionColumns, rows, { format: 'table', columns: options.column })];
  return [...table, ...decisionSentences(view)].join('\n');
}
