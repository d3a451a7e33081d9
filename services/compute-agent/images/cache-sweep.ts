/** Since when files of the cache have been unused: file → milliseconds since 1970. */
export type UnusedSince = Readonly<Record<string, number>>;

export interface SweepInput {
  /** Files of the cache, with what each stands on in the cache itself. */
  readonly files: ReadonlyMap<string, { readonly below: string | null }>;
  readonly used: ReadonlySet<string>;
  /** As the last sweep left it. */
  readonly unused_since: UnusedSince;
  readonly now_milliseconds: number;
  readonly minimum_age_seconds: number;
}

/**
 * Which files may go: those that nothing has used for long enough, neither a disk nor a file that stays. A file is new
 * to be unused at the first sweep that finds it so, whatever its own times say: they tell when it was made.
 */
export function planSweep(input: SweepInput): {
  readonly evict: readonly string[];
  readonly unused_since: UnusedSince;
} {
  const { files, now_milliseconds, minimum_age_seconds } = input;
  const kept = new Set<string>();
  const keep = (name: string | null): void => {
    if (name === null || kept.has(name)) return;
    kept.add(name);
    keep(files.get(name)?.below ?? null);
  };
  for (const name of input.used) keep(name);
  const unused_since: Record<string, number> = {};
  const ripe: string[] = [];
  for (const name of files.keys()) {
    if (kept.has(name)) continue;
    // A clock that was set back begins anew: too late is better than too early.
    const since = Math.min(input.unused_since[name] ?? now_milliseconds, now_milliseconds);
    unused_since[name] = since;
    if (now_milliseconds - since >= minimum_age_seconds * 1000) ripe.push(name);
  }
  // What an unripe file stands on stays with it, and counts as used for as long.
  for (const name of Object.keys(unused_since)) if (!ripe.includes(name)) keep(name);
  const evict = ripe.filter((name) => !kept.has(name));
  for (const name of evict) Reflect.deleteProperty(unused_since, name);
  return { evict, unused_since };
}
