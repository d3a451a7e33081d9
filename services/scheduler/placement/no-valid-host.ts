import type { NoValidHost, RejectionGroup, Rejections } from './decision.ts';
import { sentence } from './rejections.ts';
import { hostSelection } from './stages/host-selection.ts';

/** The beginning of the text is Nova's: scripts look for it. */
const novaText = 'No valid host was found. ';
const groupsInMessage = 6;

type Counted = NoValidHost['counts'][number];

/**
 * Counts the reasons, largest first:
 * `No valid host was found. 12 of 14 hosts: RamFilter (short of 2048 MB at best) 9, ComputeFilter (disabled) 3; 2 hosts: …`.
 * The second part are the hosts that the request itself left out.
 */
export function noValidHost(
  considered: number,
  rejections: Rejections,
  nearest_miss: string | null,
): NoValidHost {
  if (considered === 0) {
    return { message: `${novaText}There are no compute hosts.`, counts: [], nearest_miss: null };
  }
  const counts = countGroups(rejections.groups());
  const refused = counts.filter(({ filter }) => filter !== hostSelection.name);
  const left_out = counts.filter(({ filter }) => filter === hostSelection.name);
  const parts: string[] = [];
  if (refused.length > 0) parts.push(`${total(refused)} of ${hostsText(considered)}: ${list(refused)}`);
  if (left_out.length > 0) {
    const count =
      parts.length === 0 ? `${total(left_out)} of ${hostsText(considered)}` : hostsText(total(left_out));
    parts.push(`${count}: ${list(left_out)}`);
  }
  return { message: novaText + parts.join('; '), counts, nearest_miss };
}

/** One count per filter and code; groups that differ in their texts only are one reason, unless they say otherwise. */
function countGroups(groups: readonly RejectionGroup[]): readonly Counted[] {
  const merged = new Map<string, { groups: RejectionGroup[]; hosts: number }>();
  for (const group of groups) {
    const text = group.is_apart === true ? `\u0000${group.message}\u0000${group.available ?? ''}` : '';
    const key = `${group.filter}\u0000${group.code}${text}`;
    const entry = merged.get(key) ?? { groups: [], hosts: 0 };
    entry.groups.push(group);
    entry.hosts += group.hosts.length;
    merged.set(key, entry);
  }
  return [...merged.values()]
    .map(({ groups: [first, ...others], hosts }) => {
      if (first === undefined) throw new Error('a reason without a group');
      return { filter: first.filter, code: first.code, hosts, example: example(first, others, hosts) };
    })
    .sort((left, right) => right.hosts - left.hosts);
}

/** What to say of many hosts: the best of their numbers, or the largest group's text. */
function example(first: RejectionGroup, others: readonly RejectionGroup[], hosts: number): string {
  const largest = others.reduce(
    (best, group) => (group.hosts.length > best.hosts.length ? group : best),
    first,
  );
  if (largest.availables === undefined) return sentence(largest.message, largest.asked, largest.available);
  let best = Number.NEGATIVE_INFINITY;
  for (const available of largest.availables) best = Math.max(best, available);
  const text = sentence(largest.message, largest.asked, best);
  return hosts > 1 && largest.message.includes('{short}') ? `${text} at best` : text;
}

function list(counts: readonly Counted[]): string {
  const named = counts
    .slice(0, groupsInMessage)
    .map((count) => `${count.filter} (${count.example}) ${count.hosts}`);
  const rest = counts.slice(groupsInMessage);
  if (rest.length > 0) named.push(`${rest.length} other reasons ${total(rest)}`);
  return named.join(', ');
}

function total(counts: readonly Counted[]): number {
  return counts.reduce((sum, { hosts }) => sum + hosts, 0);
}

function hostsText(count: number): string {
  return count === 1 ? '1 host' : `${count} hosts`;
}
