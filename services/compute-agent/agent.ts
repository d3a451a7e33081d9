import { DroverError } from '../../shared/errors/drover-error.ts';
import type { CommandMessage } from '../../shared/messaging/messages.ts';
import { AgentEvents } from './agent-events.ts';
import type { AgentOptions } from './agent-options.ts';
import { CommandRunner, describeCommand } from './commands/command-runner.ts';
import type { CommandDefinition, HostParts } from './commands/definition.ts';
import { Gate } from './commands/gate.ts';
import { InstanceQueues } from './commands/instance-queues.ts';
import { parseCommand } from './commands/parse-command.ts';
import { commandRegistry } from './commands/registry.ts';
import { RemovalSweeper } from './folders/removal-sweeper.ts';
import { openHostParts } from './host-parts.ts';
import type { GuestFact } from './hypervisor/hypervisor.ts';
import { CacheSweeper } from './images/cache-sweeper.ts';
import { ExtractionSweeper } from './images/extraction-sweeper.ts';
import { buildHostReport } from './inventory/host-report.ts';
import { Reporter } from './inventory/reporter.ts';
import { UnansweredMessages } from './unanswered-messages.ts';
import { ReportedGroup } from './volumes/reported-group.ts';

/** One host. Many may run in one process: nothing here is global. */
export interface Agent {
  readonly boot_id: string;
  /**
   * Looks at the folders, then reports for the first time.
   * @throws DroverError volume_group_unset, volume_group_missing, disk_tool_missing where disks lie in volumes
   */
  start(): Promise<void>;
  /**
   * Takes one message of the host's queue. Resolves when it may be acknowledged: when it is answered, or after some
   * minutes, for the broker does not wait for ever. Rejects only when the agent is closed before that.
   */
  handle(body: unknown): Promise<void>;
  /** Takes no more and gives up what it can. The caller closes the hypervisor, the movers and the connection. */
  close(): void;
}

export function createAgent(options: AgentOptions): Agent {
  return new HostAgent(options);
}

class HostAgent implements Agent {
  readonly #options: AgentOptions;
  readonly #parts: HostParts;
  readonly #gate: Gate;
  readonly #events: AgentEvents;
  readonly #runner: CommandRunner;
  readonly #queues = new InstanceQueues();
  readonly #reporter: Reporter;
  readonly #sweeper: CacheSweeper;
  readonly #extractions: ExtractionSweeper;
  readonly #removals: RemovalSweeper;
  readonly #group: ReportedGroup;
  readonly #unanswered = new UnansweredMessages();
  #endWatch: () => void = () => undefined;

  constructor(options: AgentOptions) {
    const { host, instances_path, hypervisor, log } = options;
    this.#options = options;
    this.#parts = openHostParts(options);
    const { folders, volumes } = this.#parts;
    this.#removals = new RemovalSweeper({ removals: folders.removals, log });
    this.#group = new ReportedGroup({ host, volumes, settings: options.settings, log });
    this.#sweeper = new CacheSweeper({
      instances_path,
      host,
      images: this.#parts.images,
      settings: options.image_cache ?? { interval_seconds: 0, minimum_age_seconds: 0 },
      log,
    });
    this.#extractions = new ExtractionSweeper({
      instances_path,
      isBusy: (id) => this.#queues.has(id),
      log,
      ...options.extractions,
    });
    this.#gate = new Gate({ host, knownEpoch: (id) => folders.knownEpoch(id) });
    this.#events = new AgentEvents({ host, publisher: options.events, log });
    this.#runner = new CommandRunner({
      parts: this.#parts,
      gate: this.#gate,
      events: this.#events,
      log,
      knobs: options.knobs ?? null,
      ...(options.onAnswer === undefined ? {} : { onAnswer: options.onAnswer }),
    });
    this.#reporter = new Reporter({
      interval_seconds: options.report_interval_seconds,
      build: () =>
        buildHostReport({
          host,
          address: options.address,
          agent_version: options.agent_version,
          hypervisor,
          folders,
          settings: options.report,
          isBusy: (id) => this.#queues.has(id),
          volumeGroup: () => this.#group.figures(),
        }),
      send: (report) => this.#events.publish({ ...this.#events.header(), type: 'host_reported', report }),
      onError: (error) => log.error({ error }, 'the host could not be reported'),
    });
  }

  get boot_id(): string {
    return this.#reporter.boot_id;
  }

  async start(): Promise<void> {
    const { folders, images, hypervisor } = this.#parts;
    await this.#group.require();
    const left = await folders.load();
    for (const { folder, reason } of left)
      this.#options.log.error({ folder, reason }, 'a folder is left alone');
    await this.#group.tellUnnamed(left);
    await images.load();
    this.#sweeper.start();
    this.#removals.start();
    this.#extractions.start();
    this.#endWatch = hypervisor.watch((fact) => this.#guestChanged(fact));
    // Not awaited: a broker that is away must not keep the agent from starting.
    void this.#reporter.start();
  }

  async handle(body: unknown): Promise<void> {
    const parsed = parseCommand(body);
    const { log } = this.#options;
    if (parsed.type === 'unreadable') return log.error({ reason: parsed.reason }, 'a message is no command');
    const { message } = parsed;
    const about = describeCommand(message);
    if (parsed.type === 'refused') {
      log.error({ ...about, reason: parsed.reason }, 'a command is refused');
      const error = new DroverError('command_invalid', { host: this.#options.host, reason: parsed.reason });
      return this.#events.publish(this.#events.failed(message, error));
    }
    const admission = this.#gate.consider(message, Date.now());
    switch (admission.type) {
      case 'run':
        return this.#unanswered.untilAcknowledgeable(this.#enqueue(message));
      case 'running':
        return log.info(about, 'a command came again while it runs');
      case 'drop':
        log.warn({ ...about, reason: admission.reason }, 'a command is dropped');
        return admission.is_past ? this.#askToBeAskedAgain(message) : undefined;
      case 'refuse':
        log.warn({ ...about, reason: admission.error.message }, 'a command is refused');
        return this.#events.publish(this.#events.failed(message, admission.error));
      case 'answered':
        log.info(about, 'a command came again and has its answer');
        return this.#events.publish(admission.answer);
      default:
        return admission satisfies never;
    }
  }

  close(): void {
    this.#endWatch();
    this.#sweeper.close();
    this.#removals.close();
    this.#extractions.close();
    this.#unanswered.giveUp(new Error('the agent is closing'));
    this.#queues.close();
    this.#reporter.close();
  }

  /**
   * A long command keeps its first deadline, whatever progress has done to that since. When it comes back to a restarted
   * agent while its mover still runs, a failure that may be tried again brings the next order at once, and not after a
   * stall timeout. If the scheduler has given it up, it hears of a try that it no longer knows.
   */
  async #askToBeAskedAgain(message: CommandMessage): Promise<void> {
    const { command, instance_id, migration_id } = message;
    if (commandRegistry[command].outlives_agent !== true || migration_id === null) return;
    if ((await this.#parts.sender.has?.(migration_id)) !== true) return;
    const { host } = this.#options;
    const error = new DroverError('mover_unattended', { command, instance: instance_id, host });
    await this.#events.publish(this.#events.failed(message, error));
  }

  #enqueue(message: CommandMessage): Promise<void> {
    const definition = commandRegistry[message.command] as CommandDefinition;
    return this.#queues.add({
      instance_id: message.instance_id,
      operation_id: message.operation_id,
      interrupts_all: definition.interrupts_all === true,
      at_once: definition.at_once === true,
      beside: definition.beside === true,
      outlives_agent: definition.outlives_agent === true,
      run: async (signal, interrupted) => {
        await this.#runner.run(definition, message, { signal, interrupted });
        this.#reporter.changed();
      },
    });
  }

  /** A guest went down, or came up, without a command of ours. */
  #guestChanged({ id, power_state }: GuestFact): void {
    const mark = this.#parts.folders.known('home').find((home) => home.instance_id === id);
    if (mark === undefined) return;
    this.#options.log.info({ instance_id: id, power_state }, 'a guest changed its power state');
    void this.#events.publish({
      ...this.#events.header(),
      type: 'guest_changed',
      instance_id: id,
      epoch: mark.epoch,
      power_state,
    });
    this.#reporter.changed();
  }
}
