import { DroverError, isDroverError } from '../../../../shared/errors/drover-error.ts';
import { ConnectionClosed } from '../frame-connection.ts';
import { SpillFailure } from '../disks/spill-file.ts';
import { ProtocolError } from '../protocol.ts';
import { SourceReadFailure } from './read-ahead.ts';
import { RemoteFailure } from './receiver-link.ts';
import { LinkFailure } from './ssh-link.ts';

/** Where the receiver is, as errors name it. */
export interface ReceiverPlace {
  readonly address: string;
  readonly port: number;
}

export interface TransferFailure {
  readonly error: DroverError;
  /** Another connection would not help. */
  readonly final: boolean;
}

/** What went wrong in an attempt to copy, in the words of the registry. */
export function describeFailure(error: unknown, where: ReceiverPlace): TransferFailure {
  if (error instanceof LinkFailure) return error;
  if (isDroverError(error)) return { error, final: true };
  if (error instanceof SourceReadFailure) return { error: readFailed(error.disk, error.cause), final: true };
  if (error instanceof RemoteFailure) return { error: remoteError(error, where), final: true };
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof SpillFailure) return { error: spillFailed('source', error), final: true };
  if (error instanceof ProtocolError) {
    return { error: new DroverError('mover_refused', { ...where, reason }, { cause: error }), final: true };
  }
  // Whatever else it is, the connection is gone: sockets fail in more ways than ConnectionClosed.
  const cause = error instanceof ConnectionClosed ? error.cause : error;
  return { error: new DroverError('mover_connection_lost', { ...where, reason }, { cause }), final: false };
}

export function readFailed(disk: string, error: unknown): DroverError {
  if (error instanceof SpillFailure) return spillFailed('source', error);
  const reason = error instanceof Error ? error.message : String(error);
  return new DroverError('mover_read_failed', { disk, reason }, { cause: error });
}

const spillFailed = (
  side: 'source' | 'target',
  cause: SpillFailure | RemoteFailure,
  reason = cause.message,
): DroverError => new DroverError('mover_spill_failed', { side, reason }, { cause });

function remoteError(error: RemoteFailure, where: ReceiverPlace): DroverError {
  const { code, disk, reason } = error.failed;
  switch (code) {
    case 'mover_target_full':
    case 'mover_write_failed':
    case 'mover_digest_mismatch':
      return new DroverError(code, { disk, reason }, { cause: error });
    case 'mover_spill_failed':
      return spillFailed('target', error, reason);
    default:
      return new DroverError('mover_refused', { ...where, reason }, { cause: error });
  }
}
