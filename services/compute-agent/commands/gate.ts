import type { HostName, InstanceId, OperationId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { CommandName } from '../../../shared/messaging/commands.ts';
import type {
  CommandMessage,
  StepAddress,
  StepDone,
  StepFailed,
} from '../../../shared/messaging/messages.ts';

export type Answer = StepDone | StepFailed;

/** What is to be done with a command that has arrived. */
export type Admission =
  | { readonly type: 'run' }
  /** Given up by its sender, or from the past: no answer is expected. */
  | { readonly type: 'drop'; readonly reason: string; readonly is_past: boolean }
  | { readonly type: 'refuse'; readonly error: DroverError }
  | { readonly type: 'running' }
  | { readonly type: 'answered'; readonly answer: Answer };

/** Things that are worth doing however late they come: the plan has gone on without their answer. */
const owedCommands: ReadonlySet<CommandName> = new Set([
  'destroy',
  'discard_source',
  'discard_target',
  'unadmit',
]);

const REMEMBERED_MAX = 4096;

/** The address of a try as one string. */
export function addressKey(address: StepAddress): string {
  return `${address.operation_id}/${address.step}/${address.direction}/${address.attempt}`;
}

/**
 * Stands before every command. RabbitMQ delivers at least once and redelivers late, and two schedulers may both
 * believe that they drive an operation; what counts is decided here.
 *
 * Its memory is bounded and ends with the process. What must outlive it is the epoch, which the folders' marks keep:
 * `knownEpoch` brings it back.
 */
export class Gate {
  readonly #host: HostName;
  readonly #knownEpoch: (id: InstanceId) => number;
  readonly #epochs = new Map<InstanceId, number>();
  readonly #operations = new Map<OperationId, { readonly fencing: number; readonly attempt: number }>();
  readonly #running = new Set<string>();
  readonly #answers = new Map<string, Answer>();

  constructor(options: { readonly host: HostName; readonly knownEpoch: (id: InstanceId) => number }) {
    this.#host = options.host;
    this.#knownEpoch = options.knownEpoch;
  }

  /** Judges a command, and remembers its epoch, fencing number and attempt if it is let in. */
  consider(message: CommandMessage, now: number): Admission {
    const key = addressKey(message);
    const answer = this.#answers.get(key);
    // First of all: a repeated question has its answer, and a refusal now would contradict it.
    if (answer !== undefined) return { type: 'answered', answer };
    if (this.#running.has(key)) return { type: 'running' };
    if (isPast(message, now)) return { type: 'drop', reason: 'its deadline has passed', is_past: true };

    const operation = this.#operations.get(message.operation_id);
    const values = { command: message.command, instance: message.instance_id, host: this.#host };
    if (operation !== undefined && message.fencing < operation.fencing) {
      const { fencing } = message;
      const error = new DroverError('stale_fencing', { ...values, fencing, seen: operation.fencing });
      return { type: 'refuse', error };
    }
    const seen = Math.max(this.#epochs.get(message.instance_id) ?? 0, this.#knownEpoch(message.instance_id));
    if (message.epoch < seen)
      return {
        type: 'refuse',
        error: new DroverError('stale_epoch', { ...values, epoch: message.epoch, seen }),
      };
    if (operation !== undefined && message.attempt < operation.attempt && !owedCommands.has(message.command))
      return {
        type: 'drop',
        reason: `attempt ${operation.attempt} of its operation was here before it`,
        is_past: false,
      };

    this.#remember(message, seen);
    this.#running.add(key);
    return { type: 'run' };
  }

  /** Keeps the answer for those who ask again; null: there is none, and the next one who asks runs it anew. */
  finish(message: CommandMessage, answer: Answer | null): void {
    const key = addressKey(message);
    this.#running.delete(key);
    if (answer === null) return;
    this.#answers.set(key, answer);
    forgetOldest(this.#answers);
  }

  #remember(message: CommandMessage, seen: number): void {
    const { fencing, attempt } = this.#operations.get(message.operation_id) ?? { fencing: 0, attempt: 0 };
    // Deleted first, so that the order of the maps is the order of last use.
    this.#operations.delete(message.operation_id);
    this.#operations.set(message.operation_id, {
      fencing: Math.max(fencing, message.fencing),
      attempt: Math.max(attempt, message.attempt),
    });
    this.#epochs.delete(message.instance_id);
    this.#epochs.set(message.instance_id, Math.max(seen, message.epoch));
    forgetOldest(this.#operations);
    forgetOldest(this.#epochs);
  }
}

/** True when the sender has given the command up. */
export function isPast(message: CommandMessage, now: number): boolean {
  return Date.parse(message.deadline_at) <= now;
}

function forgetOldest(map: Map<string, unknown>): void {
  const oldest = map.keys().next();
  if (map.size > REMEMBERED_MAX && oldest.done !== true) map.delete(oldest.value);
}
