import type { Pool } from '../../../shared/database/connect.ts';
import { MetricSet, setEach } from '../../../shared/metrics/metric-set.ts';
import { EndedReader, type EndedMigration } from './ended-reader.ts';
import { readClusterState } from './cluster-state.ts';

/** Phases last from milliseconds to hours. */
const PHASE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 28_800];
/** Codes come from hosts too: one that invents them must not make a series of each. */
const FAILURE_CODES_MAX = 200;
const DOWNTIME_BUCKETS = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200];

const transferStates = ['running', 'queued', 'paused'] as const;
const operationStates = ['waiting', 'running', 'unwinding', 'stuck'] as const;
const migrationStates = [
  'pre-migrating',
  'migrating',
  'post-migrating',
  'finished',
  'confirming',
  'reverting',
] as const;
/** As the progress of one migration calls them. */
const transferBytes = ['total', 'processed', 'remaining', 'sent', 'skipped'] as const;
const hostStates = ['up', 'down', 'disabled'] as const;

/**
 * The cluster's metrics, from its rows: every api process shows the same gauges. Counters and histograms count what
 * has ended since this process began; one api is scraped for them, or the largest of several is taken.
 */
export function clusterMetrics(pool: Pool, service_down_seconds: number): MetricSet {
  const set = new MetricSet();
  const transfers = set.gauge(
    'drover_transfers',
    'Copies by state: running, queued (they wait for their turn), paused by a person.',
    ['state'],
  );
  const oldest = set.gauge(
    'drover_transfer_queue_oldest_seconds',
    'How long the copy that has waited longest for its turn was asked for. 0: none waits.',
  );
  const rate = set.gauge(
    'drover_transfer_rate_bytes_per_second',
    'Disk bytes that all running copies deal with per second, sent or skipped.',
  );
  const bytes = set.gauge(
    'drover_transfer_bytes',
    'Bytes of the copies under way: of their disks in all, of these dealt with, left and skipped, and sent on the wire.',
    ['kind'],
  );
  const eta = set.gauge(
    'drover_transfer_eta_seconds',
    'When the last of the running copies is expected to end. 0: none runs, or nobody knows yet.',
  );
  const round = set.gauge(
    'drover_transfer_round',
    'The highest round that a copy under way is in: a warm one that does not come to its end goes on counting.',
  );
  const operations = set.gauge(
    'drover_operations',
    'Operations under way by state. A stuck one needs a person.',
    ['state'],
  );
  const migrations = set.gauge('drover_migrations', 'Migrations that hold something, by status.', ['status']);
  const hosts = set.gauge('drover_hosts', 'Hosts: up, down, or up and disabled.', ['state']);
  const outbox = set.gauge('drover_outbox_messages', 'Messages that are committed and not yet sent.');
  const lag = set.gauge('drover_outbox_lag_seconds', 'Age of the oldest of them. 0: there is none.');

  const ended = set.counter(
    'drover_migrations_ended_total',
    'Moves that ended: finished (it is at the target), error, cancelled.',
    ['outcome'],
  );
  const failures = set.counter(
    'drover_migration_failures_total',
    'Moves that failed, by the code of the reason.',
    ['code'],
  );
  const sent = set.counter('drover_transfer_sent_bytes_total', 'Bytes that ended copies put on the wire.');
  const skipped = set.counter(
    'drover_transfer_skipped_bytes_total',
    'Disk bytes that ended copies did not send: holes, zeros, and what the target had.',
  );
  const resent = set.counter(
    'drover_transfer_resent_bytes_total',
    'Disk bytes that were sent more than once.',
  );
  const decisions = set.counter(
    'drover_decisions_total',
    'Decisions of placement by kind, and whether a host was found.',
    ['kind', 'found'],
  );
  const phases = set.histogram(
    'drover_migration_phase_seconds',
    'Time from the order of a step to its end, of moves that ended, by step.',
    PHASE_BUCKETS,
    ['step'],
  );
  const downtime = set.histogram(
    'drover_migration_downtime_seconds',
    'Time between the end of the guest at the source and its start at the target, of moves that finished.',
    DOWNTIME_BUCKETS,
  );

  const reader = new EndedReader(pool);
  const codes = new Set<string>();
  const codeOf = ({ reason_code }: EndedMigration): string => {
    const code = reason_code ?? 'unknown';
    if (codes.size < FAILURE_CODES_MAX) codes.add(code);
    return codes.has(code) ? code : 'other';
  };
  const count = (move: EndedMigration): void => {
    ended.inc({ outcome: move.outcome });
    if (move.outcome === 'error') failures.inc({ code: codeOf(move) });
    sent.inc(move.sent_bytes ?? 0);
    skipped.inc(move.skipped_bytes ?? 0);
    resent.inc(move.resent_bytes ?? 0);
    for (const { step, seconds } of move.steps) phases.observe({ step }, seconds);
    if (move.downtime_seconds !== null) downtime.observe(move.downtime_seconds);
  };
  set.beforeScrape(async () => {
    const state = await readClusterState(pool, service_down_seconds);
    setEach(transfers, 'state', transferStates, state.transfers);
    setEach(operations, 'state', operationStates, state.operations);
    setEach(migrations, 'status', migrationStates, state.migrations);
    setEach(hosts, 'state', hostStates, state.hosts);
    oldest.set(state.queue_oldest_seconds);
    rate.set(state.rate_bytes_per_second);
    setEach(bytes, 'kind', transferBytes, state.transfer_bytes);
    eta.set(state.eta_seconds);
    round.set(state.round);
    outbox.set(state.outbox_messages);
    lag.set(state.outbox_lag_seconds);
    const news = await reader.read();
    for (const move of news.migrations) count(move);
    for (const { kind, found } of news.decisions) decisions.inc({ kind, found: String(found) });
  });
  return set;
}
