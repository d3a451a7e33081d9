import type { Columns } from './columns.ts';
import type { Filter, FilterContext, Rule } from './filters/filter.ts';
import type { HostState, Rejections, Verdict } from './model.ts';
import { RejectionCollector } from './rejections.ts';

export interface Filtered {
  /** Rows of the hosts that passed everything, in the snapshot's order. */
  readonly rows: Int32Array;
  readonly survivors: ReadonlyArray<{ readonly filter: string; readonly hosts: number }>;
  readonly rejections: Rejections;
}

/** Runs the filters in order; each sees what the ones before left. The first that rejects a host gives its reason. */
export function filterHosts(
  columns: Columns,
  hosts: readonly HostState[],
  filters: readonly Filter[],
  context: FilterContext,
): Filtered {
  const rows = new Int32Array(hosts.length);
  for (let row = 0; row < rows.length; row += 1) rows[row] = row;
  const collector = new RejectionCollector(hosts.length);
  let count = rows.length;
  const survivors = filters.map((filter) => {
    const rule = count === 0 ? null : filter.prepare(context);
    if (rule !== null) count = applyRule(rule, filter.name, rows, count, columns, hosts, collector);
    return { filter: filter.name, hosts: count };
  });
  return { rows: rows.subarray(0, count), survivors, rejections: collector.finish(columns.names) };
}

/** Moves the rows that pass to the front, keeping their order; returns how many they are. */
function applyRule(
  rule: Rule,
  name: string,
  rows: Int32Array,
  count: number,
  columns: Columns,
  hosts: readonly HostState[],
  collector: RejectionCollector,
): number {
  switch (rule.reads) {
    case 'columns': {
      const { reasons, reason, available } = rule.bind(columns);
      const groups = reasons.map((head) => collector.open({ filter: name, ...head }));
      let kept = 0;
      for (let index = 0; index < count; index += 1) {
        const row = rows[index] ?? 0;
        const number = reason(row);
        if (number < 0) {
          rows[kept] = row;
          kept += 1;
        } else {
          collector.add(row, groups[number] ?? 0, available(row, number) ?? Number.NaN);
        }
      }
      return kept;
    }
    case 'class': {
      // One verdict per class of hosts: undefined until the first host of the class is met.
      const verdicts: Array<{ group: number; available: number } | null | undefined> = [];
      const { host_class, classes } = columns;
      return keep(rows, count, collector, (row) => {
        const number = host_class[row] ?? 0;
        let known = verdicts[number];
        if (known === undefined) {
          const described = classes.all[number];
          const verdict: Verdict = described === undefined ? { pass: true } : rule.check(described);
          known = verdict.pass ? null : collector.groupOf(name, verdict);
          verdicts[number] = known;
        }
        return known;
      });
    }
    case 'host':
      return keep(rows, count, collector, (row) => {
        const host = hosts[row];
        const verdict: Verdict = host === undefined ? { pass: true } : rule.check(host);
        return verdict.pass ? null : collector.groupOf(name, verdict);
      });
    default:
      return rule satisfies never;
  }
}

function keep(
  rows: Int32Array,
  count: number,
  collector: RejectionCollector,
  reject: (row: number) => { readonly group: number; readonly available: number } | null,
): number {
  let kept = 0;
  for (let index = 0; index < count; index += 1) {
    const row = rows[index] ?? 0;
    const rejected = reject(row);
    if (rejected === null) {
      rows[kept] = row;
      kept += 1;
    } else {
      collector.add(row, rejected.group, rejected.available);
    }
  }
  return kept;
}
