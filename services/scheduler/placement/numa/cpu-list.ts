/**
 * The cpus of a list such as `0-3,^2,6`; a list of exclusions alone means all others.
 *
 * @param count cpus there are; null is returned for a list that names another one or cannot be read
 */
export function parseCpuList(text: string, count: number): ReadonlySet<number> | null {
  const included = new Set<number>();
  const excluded = new Set<number>();
  let only_exclusions = true;
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const [, not, first, last] = /^(\^?)(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) return null;
    const from = Number(first);
    const to = Number(last ?? first);
    if (to < from || to >= count) return null;
    if (not === '') only_exclusions = false;
    for (let cpu = from; cpu <= to; cpu += 1) (not === '^' ? excluded : included).add(cpu);
  }
  if (only_exclusions) for (let cpu = 0; cpu < count; cpu += 1) included.add(cpu);
  for (const cpu of excluded) included.delete(cpu);
  return included;
}
