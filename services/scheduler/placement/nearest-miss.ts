import type { Columns } from './columns.ts';
import { rejectionAt, type Filter, type FilterContext, type Rule } from './filters/filter.ts';
import type { RejectionGroup, Rejections } from './decision.ts';
import type { HostState, Snapshot } from './model.ts';
import { rejectionOf } from './rejections.ts';
import { columnsOf } from './snapshot.ts';
import { hostSelection } from './stages/host-selection.ts';

/** How many of the nearest hosts are checked against every other rule before the plain nearest is named. */
const hostsTried = 32;

interface Miss {
  readonly group: RejectionGroup;
  readonly index: number;
  /** Share of what was asked that is missing. */
  readonly distance: number;
}

/**
 * The host that came closest, in words: "host c17 lacks 2,048 MB of RAM". Preferably one that fails by this reason
 * alone: an operator who makes room there then has a host. Where nothing is counted no host is nearer than another,
 * and it says how many got as far. Null when no host was even looked at.
 */
export function nearestMiss(
  snapshot: Snapshot,
  rejections: Rejections,
  rules: readonly Filter[],
  context: FilterContext,
): string | null {
  const groups = rejections.groups().filter(({ filter }) => filter !== hostSelection.name);
  const nearest: Miss[] = [];
  let bar = Number.POSITIVE_INFINITY;
  for (const group of groups) {
    const { asked, availables = [], unit } = group;
    if (typeof asked !== 'number' || unit === undefined) continue;
    for (let index = 0; index < availables.length; index += 1) {
      const distance = (asked - (availables[index] ?? 0)) / asked;
      if (distance >= bar || distance <= 0) continue;
      let place = nearest.length;
      while (place > 0 && (nearest[place - 1]?.distance ?? 0) > distance) place -= 1;
      nearest.splice(place, 0, { group, index, distance });
      if (nearest.length > hostsTried) nearest.pop();
      if (nearest.length === hostsTried) bar = nearest.at(-1)?.distance ?? bar;
    }
  }
  const columns = columnsOf(snapshot);
  const passes = rules
    .filter(({ name }) => name !== hostSelection.name)
    .map((filter) => ({
      name: filter.name,
      test: rowTest(filter.prepare(context), columns, snapshot.hosts),
    }));
  const onlyReason = ({ group, index }: Miss): boolean => {
    const row = columns.rowOf(group.hosts[index] ?? '');
    return row !== undefined && passes.every(({ name, test }) => name === group.filter || test(row));
  };
  const miss = nearest.find(onlyReason) ?? nearest[0];
  if (miss !== undefined) return missText(miss);
  // Nothing is missing that could be added: the host that got past the most rules.
  const last = groups.at(-1);
  return last === undefined ? null : lastText(last);
}

function lastText(group: RejectionGroup): string | null {
  const { hosts, availables } = group;
  const least = availables?.reduce(
    (best, number, index) => (number < (availables[best] ?? 0) ? index : best),
    0,
  );
  const host = hosts[least ?? 0];
  if (host === undefined) return null;
  const { message } = rejectionOf(group, host, availables?.[least ?? 0] ?? Number.NaN);
  return least !== undefined || hosts.length === 1
    ? `host ${host}: ${message}`
    : `${hosts.length} hosts, ${host} among them: ${message}`;
}

/** The rule as a question about one row. */
function rowTest(rule: Rule | null, columns: Columns, hosts: readonly HostState[]): (row: number) => boolean {
  if (rule === null) return () => true;
  if (rule.reads === 'columns') {
    const bound = rule.bind(columns);
    return (row) => rejectionAt(bound, row) === null;
  }
  return (row) => {
    const host = hosts[row];
    return host !== undefined && rule.check(host).pass;
  };
}

function missText({ group, index }: Miss): string {
  const short = Number(group.asked) - (group.availables?.[index] ?? 0);
  const amount = Math.ceil(short).toLocaleString('en-US');
  return `host ${group.hosts[index]} lacks ${amount} ${group.unit}`;
}
