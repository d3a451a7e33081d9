import { timeWithMicroseconds, timeWithMicrosecondsOrNull } from '../http/times.ts';
import type { AggregateRow } from '../queries/aggregates.ts';

type VersionCheck = (minor: number) => boolean;

/** An aggregate: recordings `aggregates-az`. Deleted ones are gone, so `deleted` never says true. */
export function aggregateView(row: AggregateRow, atLeast: VersionCheck): object {
  return {
    ...identity(row, atLeast),
    hosts: row.hosts,
    metadata: row.metadata,
    ...state(row),
  };
}

/** What POST answers: Nova leaves hosts and metadata out there. */
export function newAggregateView(row: AggregateRow, atLeast: VersionCheck): object {
  return { ...identity(row, atLeast), ...state(row) };
}

function identity(row: AggregateRow, atLeast: VersionCheck): object {
  return { id: row.id, ...(atLeast(41) ? { uuid: row.uuid } : {}), name: row.name };
}

function state(row: AggregateRow): object {
  return {
    created_at: timeWithMicroseconds(row.created_at),
    updated_at: timeWithMicrosecondsOrNull(row.updated_at),
    deleted_at: null,
    deleted: false,
    availability_zone: row.metadata['availability_zone'] ?? null,
  };
}
