import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import type { CommandMessage, TransferProgress } from '../../../shared/messaging/messages.ts';
import type { AgentEvents } from '../agent-events.ts';
import type { KnobBoard } from '../hypervisor/fake/knobs.ts';
import { ProgressThrottle, WorkSigns } from '../progress-throttle.ts';
import type { CommandDefinition, HostParts } from './definition.ts';
import { isPast, type Answer, type Gate } from './gate.ts';

/** A command's turn in the queue of its instance. */
export interface Turn {
  readonly signal: AbortSignal;
  readonly interrupted: Promise<unknown>;
}

export interface CommandRunnerOptions {
  readonly parts: HostParts;
  readonly gate: Gate;
  readonly events: AgentEvents;
  readonly log: Logger;
  /** Null: nobody wants this host to misbehave. */
  readonly knobs: KnobBoard | null;
  /** Told of each answer, for metrics. */
  readonly onAnswer?: (command: string, outcome: 'done' | 'failed', seconds: number) => void;
}

/** Runs commands that the gate has let in, and answers them. */
export class CommandRunner {
  readonly #parts: HostParts;
  readonly #gate: Gate;
  readonly #events: AgentEvents;
  readonly #log: Logger;
  readonly #knobs: KnobBoard | null;
  readonly #onAnswer: NonNullable<CommandRunnerOptions['onAnswer']>;

  constructor(options: CommandRunnerOptions) {
    this.#parts = options.parts;
    this.#gate = options.gate;
    this.#events = options.events;
    this.#log = options.log;
    this.#knobs = options.knobs;
    this.#onAnswer = options.onAnswer ?? (() => undefined);
  }

  /** Runs a command and answers it. Never rejects for what the command does. */
  async run(definition: CommandDefinition, message: CommandMessage, turn: Turn): Promise<void> {
    const { signal } = turn;
    const log = this.#log.child(describeCommand(message));
    if (isPast(message, Date.now()) || signal.aborted) {
      this.#gate.finish(message, null);
      log.warn(
        { reason: String(signal.reason ?? 'its deadline has passed') },
        'a waiting command is dropped',
      );
      return;
    }
    const began = performance.now();
    // Its end is at info, and its order in the scheduler's log.
    log.debug('a command begins');
    const tell = (newest: TransferProgress | null) =>
      this.#events.publishOrDrop({
        ...this.#events.answerHeader(message),
        type: 'step_progress',
        progress: newest,
      });
    const progress = new ProgressThrottle(tell);
    const signs = new WorkSigns(() => tell(null), this.#parts.settings.stall_timeout_seconds);
    const answer = await this.#answer(definition, message, turn, { progress, signs });
    progress.end();
    this.#gate.finish(message, answer);
    const milliseconds = Math.round(performance.now() - began);
    if (answer === null) return log.warn({ milliseconds }, 'a command was done and is kept unanswered');
    this.#onAnswer(message.command, answer.type === 'step_done' ? 'done' : 'failed', milliseconds / 1000);
    if (answer.type === 'step_done') log.info({ milliseconds, summary: answer.summary }, 'a command is done');
    else log.warn({ milliseconds, code: answer.code, reason: answer.message }, 'a command failed');
    await this.#events.publish(answer);
  }

  async #answer(
    definition: CommandDefinition,
    message: CommandMessage,
    { signal, interrupted }: Turn,
    { progress, signs }: { readonly progress: ProgressThrottle; readonly signs: WorkSigns },
  ): Promise<Answer | null> {
    const knobs = this.#knobs;
    try {
      await knobs?.before(message.command, message.operation_id, signal);
      const outcome = await definition.run(
        {
          command: message.command,
          instance_id: message.instance_id,
          migration_id: message.migration_id,
          epoch: message.epoch,
          arguments: message.arguments,
          signal,
          interrupted,
          onProgress: (newest) => progress.push(newest),
          atWork: () => signs.take(),
        },
        this.#parts,
      );
      if ((await knobs?.after(message.command)) === 'keep silent') return null;
      return {
        ...this.#events.answerHeader(message),
        type: 'step_done',
        command: message.command,
        ...outcome,
      };
    } catch (error) {
      // An error of the world explains itself; anything else needs its stack.
      if (!(error instanceof DroverError) && !signal.aborted)
        this.#log.error({ ...describeCommand(message), error }, 'a command met something unexpected');
      return this.#events.failed(message, signal.aborted ? this.#superseded(message, signal) : error);
    }
  }

  #superseded(message: CommandMessage, signal: AbortSignal): DroverError {
    const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
    const { command, instance_id } = message;
    return new DroverError('command_superseded', {
      command,
      instance: instance_id,
      host: this.#parts.host,
      reason,
    });
  }
}

/** What every log line about a command says. */
export function describeCommand(message: CommandMessage) {
  const { request_id, command, instance_id, migration_id, operation_id, attempt, epoch } = message;
  return { request_id, command, instance_id, migration_id, operation_id, attempt, epoch };
}
