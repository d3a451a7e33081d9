import type { Socket } from 'node:net';
import type { ErrorValues } from '../../../../shared/errors/drover-error.ts';
import type { ErrorCode } from '../../../../shared/errors/registry.ts';
import type { CommandResults, RoundFigures, TransferTotals } from '../../../../shared/messaging/commands.ts';
import type { TransferProgress } from '../../../../shared/messaging/messages.ts';
import type { ChangedRanges, Transfer } from '../mover.ts';
import type { SentRuns } from './sent-extents.ts';

/**
 * What an agent and a sender worker say to each other, one JSON text per line, over a unix socket on which the
 * worker listens: an agent that was restarted connects to it again.
 */
export type SenderRequest =
  /** Log in and say hello. Answered by `connected` or `failed`. */
  | { readonly do: 'connect'; readonly transfer: Transfer }
  /**
   * One more round while the guest runs. Answered by `rounds`, at once when more have been done than were seen: an agent
   * that was restarted hears first what it has missed. `changed` is never lost, whichever way it is answered.
   */
  | {
      readonly do: 'round';
      readonly transfer: Transfer;
      readonly seen: number;
      readonly changed: ChangedRanges | null;
      /** By a sender that has ended since: of this round, and in all. */
      readonly sent_before: SentRuns;
      readonly totals_before: TransferTotals;
    }
  /** The last round, or the only one. Answered by `sent` or `failed`; by what has been answered before, if this transfer has ended already. */
  | {
      readonly do: 'send';
      readonly transfer: Transfer;
      readonly changed: ChangedRanges | null;
      readonly sent_before: SentRuns;
      readonly totals_before: TransferTotals;
    }
  | { readonly do: 'limit'; readonly limit_bytes_per_second: number }
  | { readonly do: 'pause'; readonly paused: boolean }
  /** Forget the transfer: its answer has arrived. */
  | { readonly do: 'forget' };

export type SenderReport =
  /** The first word to an agent that has connected; a sender that is at work says how far it is instead. */
  | { readonly is: 'resting' }
  | { readonly is: 'connected' }
  /** `sent`: what was put on the wire since the report before. `totals`: with those of senders that have ended. */
  | {
      readonly is: 'progress';
      readonly progress: TransferProgress;
      readonly sent: SentRuns;
      readonly totals: TransferTotals;
    }
  | { readonly is: 'rounds'; readonly rounds: readonly RoundFigures[] }
  | { readonly is: 'sent'; readonly result: CommandResults['copy'] }
  | { readonly is: 'failed'; readonly code: ErrorCode; readonly values: ErrorValues };

/** Lines longer than this are nobody's. */
const LINE_BYTES_MAX = 1024 * 1024;

/** Calls back with each line's value. A peer that sends something else is cut off. */
export function onLines(socket: Socket, listener: (message: unknown) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_BYTES_MAX) socket.destroy();
    for (const line of lines) listener(JSON.parse(line));
  });
}

export function sendLine(socket: Socket, message: SenderRequest | SenderReport): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}
