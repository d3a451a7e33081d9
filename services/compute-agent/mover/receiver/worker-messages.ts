import type { ErrorValues } from '../../../../shared/errors/drover-error.ts';
import type { ErrorCode } from '../../../../shared/errors/registry.ts';
import type { CommandResults, DiskDescription } from '../../../../shared/messaging/commands.ts';
import type { Admitted } from './admitted.ts';
import type { RelayKind } from './relay.ts';

/** What an agent asks a receiver worker over its IPC channel. */
export type ReceiverRequest =
  /** Comes with a socket: a sender's connection, or the relay of one. */
  | { readonly do: 'serve'; readonly admitted: Admitted; readonly relay: RelayKind }
  /** End what is served and close its files. Answered by `stopped`. */
  | { readonly do: 'stop' }
  | {
      readonly do: 'digest';
      readonly migration_id: string;
      readonly journal_path: string;
      readonly folder: string;
      readonly disks: readonly DiskDescription[];
    }
  | { readonly do: 'abort_digest' };

export type ReceiverReport =
  | { readonly is: 'ready' }
  /** The last connection of what was served has ended and its files are closed. */
  | {
      readonly is: 'idle';
      /** Connections handed over since the worker's start: another one may be on its way already. */
      readonly served: number;
    }
  | { readonly is: 'stopped' }
  /** A connection was given up: the relays of this host must pass bytes. */
  | { readonly is: 'pipes_unreachable'; readonly reason: string }
  | { readonly is: 'digest_progress'; readonly processed_bytes: number; readonly total_bytes: number }
  | { readonly is: 'digested'; readonly reread: CommandResults['verify'] }
  | { readonly is: 'failed'; readonly code: ErrorCode; readonly values: ErrorValues };
