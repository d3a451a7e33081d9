import { formatBytes, formatSeconds } from '../../output/sizes.ts';
import type { Cell } from '../../output/format.ts';
import { findServerId } from '../../session/find-server.ts';
import { list, number, record, text, type JsonRecord } from '../../session/json.ts';
import { openSession, printList, printOne, type Command } from '../context.ts';
import { findMigration } from './find.ts';

interface ListArguments {
  readonly server: string | undefined;
  readonly host: string | undefined;
  readonly status: string | undefined;
  readonly limit: number;
}

export const listMigrations: Command<ListArguments> = {
  command: 'list',
  describe: 'List migrations, newest first',
  builder: (argv) =>
    argv
      .option('server', { type: 'string', describe: 'Only of this server' })
      .option('host', { type: 'string', describe: 'Only from or to this host' })
      .option('status', { type: 'string', describe: 'Only with this status' })
      .option('limit', { type: 'number', default: 50, describe: 'At most so many' }),
  handler: async (options) => {
    const session = await openSession(options);
    const query = new URLSearchParams({ limit: String(options.limit) });
    if (options.server !== undefined) query.set('server', await findServerId(session, options.server));
    if (options.host !== undefined) query.set('host', options.host);
    if (options.status !== undefined) query.set('status', options.status);
    const answer = await session.request('drover', 'GET', `/migrations?${query.toString()}`);
    const columns = [
      'ID',
      'Server',
      'Source',
      'Target',
      'Status',
      'Phase',
      'Progress',
      'Reason',
      'Created At',
    ];
    const rows = list(answer.body, 'migrations').map((migration) => ({
      ID: number(migration, 'number'),
      Server: text(migration, 'server_id'),
      Source: text(migration, 'source_host'),
      Target: text(migration, 'target_host'),
      Status: text(migration, 'status'),
      Phase: phaseOf(migration),
      Progress: percent(migration),
      Reason: text(record(migration, 'reason'), 'message') ?? text(record(migration, 'queue'), 'waits_for'),
      'Created At': text(migration, 'created_at'),
    }));
    printList(columns, rows, options);
  },
};

export const showMigration: Command<{ readonly migration: string }> = {
  command: 'show <migration>',
  describe: 'Show one migration with its steps',
  builder: (argv) =>
    argv.positional('migration', {
      type: 'string',
      demandOption: true,
      describe: 'Number or UUID of a migration, or a server (its newest one)',
    }),
  handler: async (options) => {
    const session = await openSession(options);
    const found = await findMigration(session, options.migration);
    const answer = await session.request('drover', 'GET', `/migrations/${text(found, 'id')}`);
    printOne(migrationRow(record(answer.body, 'migration')), options);
  },
};

function migrationRow(migration: JsonRecord): Record<string, Cell> {
  const progress = record(migration, 'progress');
  const size = (key: string): string | null => {
    const bytes = number(progress, key);
    return bytes === null ? null : formatBytes(bytes);
  };
  const rate = number(progress, 'rate_bytes_per_second');
  const eta = number(progress, 'eta_seconds');
  return {
    id: text(migration, 'id'),
    number: number(migration, 'number'),
    server_id: text(migration, 'server_id'),
    status: text(migration, 'status'),
    phase: phaseOf(migration),
    waits_for: text(record(migration, 'queue'), 'waits_for'),
    paused_at: text(migration, 'paused_at'),
    guest: migration['guest_is_off'] === true ? 'off until it starts at the target' : null,
    source_host: text(migration, 'source_host'),
    target_host: text(migration, 'target_host'),
    reason: text(record(migration, 'reason'), 'message'),
    disk_total: size('disk_total_bytes'),
    disk_processed: size('disk_processed_bytes'),
    disk_remaining: size('disk_remaining_bytes'),
    round: number(progress, 'round'),
    rate: rate === null ? null : `${formatBytes(rate)}/s`,
    eta: eta === null ? null : formatSeconds(eta),
    sent: size('sent_bytes'),
    skipped: size('skipped_bytes'),
    resent: size('resent_bytes'),
    limit: limitText(number(migration, 'limit_bytes_per_second')),
    priority: number(migration, 'priority'),
    mode: text(migration, 'mode'),
    ...downtimeRows(record(migration, 'downtime')),
    rounds: list(migration, 'rounds')
      .map((round) => roundLine(round))
      .join('\n'),
    precopy_ended: text(migration, 'precopy_ended'),
    decision_id: text(migration, 'decision_id'),
    confirm_due_at: text(migration, 'confirm_due_at'),
    created_at: text(migration, 'created_at'),
    updated_at: text(migration, 'updated_at'),
    request_id: text(migration, 'request_id'),
    steps: list(migration, 'steps')
      .map((step) => stepLine(step))
      .join('\n'),
  };
}

function downtimeRows(downtime: JsonRecord): Record<string, Cell> {
  const seconds = (key: string): string | null => {
    const value = number(downtime, key);
    return value === null ? null : `${value.toFixed(1)}s`;
  };
  return {
    downtime_budget: seconds('budget_seconds'),
    predicted_downtime: seconds('predicted_seconds'),
    downtime: seconds('measured_seconds'),
  };
}

function roundLine(round: JsonRecord): string {
  const size = (key: string): string => formatBytes(number(round, key) ?? 0);
  const seconds = (number(round, 'duration_seconds') ?? 0).toFixed(1);
  return `${number(round, 'round')}: ${size('changed_bytes')} changed, ${size('sent_bytes')} sent in ${seconds}s`;
}

function limitText(bytes_per_second: number | null): string {
  return bytes_per_second === null || bytes_per_second === 0 ? 'none' : `${formatBytes(bytes_per_second)}/s`;
}

/** With the place in the queue, or that a person has paused it. */
function phaseOf(migration: JsonRecord): string | null {
  const phase = text(migration, 'phase');
  const position = number(record(migration, 'queue'), 'position');
  const words = [
    position === null ? null : `place ${position}`,
    text(migration, 'paused_at') === null ? null : 'paused',
  ].filter((word) => word !== null);
  return words.length === 0 ? phase : `${phase} (${words.join(', ')})`;
}

function stepLine(step: JsonRecord): string {
  const words = [
    (text(step, 'at') ?? '').slice(11, 23),
    text(step, 'direction') === 'undo' ? 'undo' : null,
    text(step, 'step'),
    text(step, 'event'),
    text(step, 'host') === null ? null : `on ${text(step, 'host')}`,
    text(step, 'summary') === null ? null : `(${text(step, 'summary')})`,
  ];
  return words.filter((word) => word !== null).join(' ');
}

function percent(migration: JsonRecord): string | null {
  const progress = record(migration, 'progress');
  const total = number(progress, 'disk_total_bytes');
  const processed = number(progress, 'disk_processed_bytes');
  return total === null || processed === null || total === 0
    ? null
    : `${Math.floor((processed / total) * 100)}%`;
}
