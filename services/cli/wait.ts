import { setTimeout as delay } from 'node:timers/promises';
import { CommandFailure, ExitCode } from './exit-codes.ts';
import { ProgressDisplay, type ProgressView } from './output/progress-line.ts';
import { list, number, record, text, type JsonRecord } from './session/json.ts';
import type { Session } from './session/session.ts';

export interface WaitRequest {
  readonly server_id: string;
  /** The request whose action is waited for: its record says whether it failed. */
  readonly request_id: string | null;
  /** Statuses that mean success, once no task runs. */
  readonly statuses: readonly string[];
  /** What happens to the server, for messages: "migration". */
  readonly what: string;
  readonly timeout_seconds: number;
  /** Show the phase and bytes of the server's migration while waiting. */
  readonly watch_migration: boolean;
}

/** A bar that somebody watches is drawn anew more often than a state is asked for. */
const POLL_MS = { first: 100, longest: 1000, longest_watched: 250 } as const;

/**
 * Waits until a server has come to rest, and is honest about how: Nova's status alone cannot tell "moved back
 * because nothing was found" from "never moved", so the action's own record is read too.
 * @returns the server. @throws CommandFailure (notHappened, timeout)
 */
export async function waitForServer(session: Session, request: WaitRequest): Promise<JsonRecord | null> {
  const display = new ProgressDisplay(process.stderr);
  const ends_at = Date.now() + request.timeout_seconds * 1000;
  let pause_ms: number = POLL_MS.first;
  let may_watch = request.watch_migration;
  try {
    for (;;) {
      const answer = await session.request('compute', 'GET', `/servers/${request.server_id}`, {
        accept: [404],
      });
      if (answer.status === 404) return null;
      const server = record(answer.body, 'server');
      const status = text(server, 'status') ?? 'UNKNOWN';
      const task = text(server, 'OS-EXT-STS:task_state');
      if (may_watch) may_watch = await showMigration(session, request.server_id, display);
      if (task === null && status !== 'BUILD') {
        const failure = await failureOf(session, request, server, status);
        if (failure !== null) throw failure;
        if (request.statuses.includes(status)) return server;
      }
      if (Date.now() > ends_at) {
        throw new CommandFailure(
          ExitCode.timeout,
          `Waited ${request.timeout_seconds} s for the ${request.what}; server ${request.server_id} is ${status}${task === null ? '' : ` (${task})`}.`,
          'It goes on. Look again with `drover migration list` or `drover server show`.',
        );
      }
      await delay(pause_ms);
      pause_ms = Math.min(may_watch ? POLL_MS.longest_watched : POLL_MS.longest, pause_ms * 1.3);
    }
  } finally {
    display.end();
  }
}

async function failureOf(
  session: Session,
  request: WaitRequest,
  server: JsonRecord,
  status: string,
): Promise<CommandFailure | null> {
  const reason = await reasonOf(session, request);
  const rests = `Server ${request.server_id} is ${status}`;
  const host = text(server, 'OS-EXT-SRV-ATTR:host');
  if (reason !== null || (status === 'ERROR' && !request.statuses.includes('ERROR'))) {
    const fault = text(record(server, 'fault'), 'message');
    return new CommandFailure(
      ExitCode.notHappened,
      `The ${request.what} did not happen: ${reason ?? fault ?? 'no reason was recorded'}`,
      `${rests}${host === null ? '' : ` on ${host}`}.`,
    );
  }
  return null;
}

/** Null: the action has not failed. */
async function reasonOf(session: Session, request: WaitRequest): Promise<string | null> {
  if (request.request_id === null) return null;
  const path = `/servers/${request.server_id}/os-instance-actions/${request.request_id}`;
  const answer = await session.request('compute', 'GET', path, { accept: [403, 404] });
  const action = record(answer.body, 'instanceAction');
  if (text(action, 'message') !== 'Error') return null;
  const details = list(action, 'events').map((event) => text(event, 'details'));
  return details.find((detail) => detail !== null && detail !== '') ?? 'the server says only "Error"';
}

/** @returns false when this caller may not see migrations: the wait goes on without progress. */
async function showMigration(
  session: Session,
  server_id: string,
  display: ProgressDisplay,
): Promise<boolean> {
  const answer = await session.request('drover', 'GET', `/migrations?server=${server_id}&limit=1`, {
    accept: [403, 404],
  });
  if (answer.status !== 200) return false;
  const [migration] = list(answer.body, 'migrations');
  if (migration !== undefined) display.show(progressOf(migration));
  return true;
}

/** The part of a Drover v1 migration that a progress line shows. */
export function progressOf(migration: JsonRecord): ProgressView {
  const progress = record(migration, 'progress');
  return {
    phase: text(migration, 'phase') ?? 'unknown',
    total_bytes: number(progress, 'disk_total_bytes'),
    processed_bytes: number(progress, 'disk_processed_bytes'),
    rate_bytes_per_second: number(progress, 'rate_bytes_per_second'),
    eta_seconds: number(progress, 'eta_seconds'),
    round: number(progress, 'round'),
    paused: text(migration, 'paused_at') !== null,
    waits_for: text(record(migration, 'queue'), 'waits_for'),
  };
}
