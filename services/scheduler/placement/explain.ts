import type { HostName } from '../../../shared/domain/ids.ts';
import { decide } from './decide.ts';
import { checkHost } from './filters/filter.ts';
import type { Decision, WeighedHost } from './decision.ts';
import type { PlacementRequest, Snapshot } from './model.ts';
import { sentence } from './rejections.ts';
import { rulesFor } from './rules.ts';
import type { PlacementSettings } from './settings.ts';

/** One filter's answer about one host. */
export interface ExplainedVerdict {
  readonly filter: string;
  readonly pass: boolean;
  readonly code: string | null;
  readonly message: string | null;
}

export interface HostExplanation {
  readonly host: HostName;
  /** Of every filter, also those after the first that rejects. */
  readonly verdicts: readonly ExplainedVerdict[];
  /** The host's weight among those that pass; null when a filter rejects it. */
  readonly weighed: WeighedHost | null;
  readonly decision: Decision;
}

/**
 * Why this host, or why not: every filter's verdict, and the weight beside that of the best. Null when there is no such
 * host.
 */
export function explainHost(
  snapshot: Snapshot,
  host: HostName,
  request: PlacementRequest,
  settings: PlacementSettings,
  seed: string,
): HostExplanation | null {
  const state = snapshot.host_by_name.get(host);
  if (state === undefined) return null;
  const context = { request, settings };
  const verdicts = rulesFor(settings, request.forced_host !== null).map((filter): ExplainedVerdict => {
    const verdict = checkHost(filter.prepare(context), state);
    if (verdict.pass) return { filter: filter.name, pass: true, code: null, message: null };
    const { code, message, asked, available } = verdict;
    return { filter: filter.name, pass: false, code, message: sentence(message, asked, available) };
  });
  // Ranks of all hosts that pass: a subset as large as the cluster keeps every one of them.
  const everything: PlacementSettings = {
    ...settings,
    scheduler: { ...settings.scheduler, max_attempts: snapshot.hosts.length },
  };
  const all = decide(snapshot, request, everything, seed);
  return {
    host,
    verdicts,
    weighed: all.ranked.find((ranked) => ranked.host === host) ?? null,
    decision: decide(snapshot, request, settings, seed),
  };
}
