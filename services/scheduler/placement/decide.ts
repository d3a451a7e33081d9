import type { HostName } from '../../../shared/domain/ids.ts';
import { claimDetailsFor } from './claim-details.ts';
import { chooseRanks, countTies, heaviest, hostsWithParts, nthTied } from './choosing.ts';
import { filterHosts } from './filtering.ts';
import type { ChoiceSettings, Decision, WeighedHost } from './decision.ts';
import type { PlacementRequest, Snapshot } from './model.ts';
import { nearestMiss } from './nearest-miss.ts';
import { noValidHost } from './no-valid-host.ts';
import { withRecord } from './record.ts';
import { configuredWeighers, rulesFor } from './rules.ts';
import type { PlacementSettings } from './settings.ts';
import { columnsOf } from './snapshot.ts';
import { weighHosts } from './weighing.ts';

/**
 * Chooses a host: filters, weighs, draws, and keeps why. Pure: the same snapshot, request, settings and seed give
 * the same decision.
 *
 * @param seed breaks ties where the settings ask for chance; the request id, so that a repeated request draws anew
 *   and a replay does not
 * @throws DroverError `unknown_filter` when the settings name a filter or weigher that does not exist
 */
export function decide(
  snapshot: Snapshot,
  request: PlacementRequest,
  settings: PlacementSettings,
  seed: string,
): Decision {
  const columns = columnsOf(snapshot);
  const rules = rulesFor(settings, request.forced_host !== null);
  const scratch = columns.takeScratch();
  const context = { request, settings };
  const { rows, survivors, rejections } = filterHosts(columns, snapshot.hosts, rules, context, scratch);
  const warnings = new Set<string>();
  const { weights, partsAt } = weighHosts(
    rows,
    columns,
    snapshot.hosts,
    configuredWeighers(settings),
    { ...context, warn: (text) => warnings.add(text) },
    scratch,
  );
  const choice: ChoiceSettings = {
    host_subset_size: settings.filter_scheduler.host_subset_size,
    shuffle_best_same_weighed_hosts: settings.filter_scheduler.shuffle_best_same_weighed_hosts,
    max_attempts: settings.scheduler.max_attempts,
  };
  const subset = Math.min(choice.host_subset_size, rows.length);
  const head = heaviest(weights, Math.max(hostsWithParts, choice.max_attempts + 1, subset));
  const best = weights[head[0] ?? 0] ?? 0;
  const ties = countTies(weights, head);
  const ranks = chooseRanks(rows.length, ties, choice, seed);
  const kept = new Set([...head.keys()].slice(0, hostsWithParts));
  for (const rank of ranks) kept.add(rank);
  const ranked = [...kept]
    .sort((left, right) => left - right)
    .map((rank): WeighedHost => {
      const place = head[rank] ?? nthTied(weights, best, rank);
      const row = rows[place] ?? 0;
      return { host: nameOf(columns.names, row), rank, weight: weights[place] ?? 0, parts: partsAt(place) };
    });
  const weighed = rows.length;
  columns.returnScratch(scratch);
  const hostOfRank = new Map(ranked.map(({ rank, host }) => [rank, host]));
  const [chosen = null, ...alternates] = ranks.flatMap((rank) => hostOfRank.get(rank) ?? []);
  const details = [chosen, ...alternates].flatMap((host) => {
    const state = host === null ? undefined : snapshot.host_by_name.get(host);
    const named = state === undefined ? null : claimDetailsFor(state, request, settings);
    return state === undefined || named === null ? [] : [{ host: state.name, details: named }];
  });
  return withRecord({
    request,
    seed,
    snapshot_version: snapshot.version,
    choice,
    considered: snapshot.hosts.length,
    survivors,
    rejections,
    weighed,
    ranked,
    chosen,
    alternates,
    details,
    ties,
    warnings: [...warnings],
    no_valid_host:
      chosen === null
        ? noValidHost(
            snapshot.hosts.length,
            rejections,
            nearestMiss(snapshot, rejections, rules, { request, settings }),
          )
        : null,
  });
}

function nameOf(names: readonly HostName[], row: number): HostName {
  const name = names[row];
  if (name === undefined) throw new Error(`row ${row} has no host`);
  return name;
}
