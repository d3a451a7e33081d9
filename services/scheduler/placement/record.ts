import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import { chooseRanks } from './choosing.ts';
import type { Decision, DecisionRecord, NoValidHost } from './decision.ts';
import { noValidHost } from './no-valid-host.ts';
import { RecordedRejections } from './rejections.ts';

/** What is stored with a migration or a create. */
export function recordOf(decision: Decision): DecisionRecord {
  const { toJSON: _, ...plain } = decision;
  return {
    ...plain,
    request: recordedRequest(decision.request),
    rejections: decision.rejections.groups(),
  };
}

/** The members of a group are a Map, which JSON would lose. */
export function recordedRequest(request: Decision['request']): DecisionRecord['request'] {
  const group = request.server_group;
  return {
    ...request,
    server_group: group === null ? null : { ...group, members: Object.fromEntries(group.members) },
  };
}

/**
 * Makes `JSON.stringify` of a decision give its record: the members of a group are a Map, which JSON would lose, and the
 * rejections are columns.
 */
export function withRecord(decision: Omit<Decision, 'toJSON'>): Decision {
  return {
    ...decision,
    toJSON() {
      return recordOf(this);
    },
  };
}

/** The decision again, from its record as it came out of the database. */
export function decisionOf(record: DecisionRecord): Decision {
  const group = record.request.server_group;
  return withRecord({
    ...record,
    request: {
      ...record.request,
      server_group:
        group === null
          ? null
          : {
              ...group,
              members: new Map(Object.entries(group.members) as Array<[InstanceId, readonly HostName[]]>),
            },
    },
    rejections: new RecordedRejections(record.rejections),
  });
}

export interface Replay {
  readonly chosen: HostName | null;
  readonly alternates: readonly HostName[];
  readonly no_valid_host: NoValidHost | null;
}

/**
 * Makes the decision again from its record alone: weights from their parts, the draw from the seed, the counted
 * reasons from the rejections. The answer must be the recorded one; when it is not, the record was not written by this
 * code or was changed. With the cluster's text form at hand, `decide` replays the filters too.
 */
export function replay(record: DecisionRecord): Replay {
  const rejections = new RecordedRejections(record.rejections);
  const weighed = record.considered - rejections.length;
  const by_weight = record.ranked
    .map(({ host, rank, parts }) => ({
      host,
      rank,
      weight: parts.reduce((sum, part) => sum + part.multiplier * part.normalised, 0),
    }))
    .sort((left, right) => right.weight - left.weight || left.rank - right.rank);
  const host_of_rank = new Map<number, HostName>();
  const ranks = record.ranked.map(({ rank }) => rank).sort((left, right) => left - right);
  for (const [place, { host }] of by_weight.entries()) host_of_rank.set(ranks[place] ?? place, host);
  const drawn = chooseRanks(weighed, record.ties, record.choice, record.seed);
  const [chosen = null, ...alternates] = drawn.flatMap((rank) => host_of_rank.get(rank) ?? []);
  const no_valid_host =
    chosen === null
      ? noValidHost(record.considered, rejections, record.no_valid_host?.nearest_miss ?? null)
      : null;
  return { chosen, alternates, no_valid_host };
}
