import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AgentOptions } from '../../../services/compute-agent/agent-options.ts';
import { createAgent, type Agent } from '../../../services/compute-agent/agent.ts';
import type { HostSettings } from '../../../services/compute-agent/commands/definition.ts';
import type { LogicalVolumes } from '../../../services/compute-agent/volumes/logical-volumes.ts';
import { FakeHypervisor } from '../../../services/compute-agent/hypervisor/fake/fake-hypervisor.ts';
import { calmKnobs, type Knobs } from '../../../services/compute-agent/hypervisor/fake/knobs.ts';
import {
  hostName,
  operationId,
  type InstanceId,
  type MigrationId,
  type OperationId,
} from '../../../shared/domain/ids.ts';
import type { CommandArguments, CommandName, CommandResults } from '../../../shared/messaging/commands.ts';
import type { AgentEvent, CommandMessage, StepDone, StepFailed } from '../../../shared/messaging/messages.ts';
import { sampleCommand } from '../../unit/compute-agent/samples.ts';
import type { Mover } from '../../../services/compute-agent/run-agent.ts';
import { StandInMover } from './stand-in-mover.ts';

export interface TestHostOptions {
  readonly folder: string;
  readonly name: string;
  readonly mover?: StandInMover;
  /** Real ones, in place of the stand-in. */
  readonly real_mover?: Mover;
  readonly knobs?: Partial<Knobs>;
  readonly settings?: Partial<HostSettings>;
  readonly freeBytes?: () => Promise<number>;
  readonly extractions?: AgentOptions['extractions'];
  readonly volumes?: LogicalVolumes;
}

/** An agent with everything but a broker. Closing and opening it again is a restart: the folder stays. */
export class TestHost {
  readonly events: AgentEvent[] = [];
  readonly mover: StandInMover;
  readonly instances_path: string;
  hypervisor!: FakeHypervisor;
  agent!: Agent;
  readonly #options: TestHostOptions;
  #attempt = 0;

  private constructor(options: TestHostOptions) {
    this.#options = options;
    this.mover = options.mover ?? new StandInMover();
    this.instances_path = join(options.folder, options.name, 'instances');
  }

  static async open(options: TestHostOptions): Promise<TestHost> {
    const host = new TestHost(options);
    await host.#start();
    return host;
  }

  async #start(): Promise<void> {
    const { folder, name, knobs, settings, freeBytes, extractions, volumes, real_mover } = this.#options;
    const state_path = join(folder, name);
    const { instances_path } = this;
    const host = hostName(name);
    this.hypervisor = await FakeHypervisor.open({
      host,
      state_path,
      instances_path,
      vcpus: 4,
      memory_mb: 1024,
      local_gb: 10,
      knobs: { ...calmKnobs, ...knobs },
      knobs_file: join(state_path, 'knobs.json'),
    });
    this.agent = createAgent({
      host,
      address: '127.0.0.1',
      instances_path,
      agent_version: '0',
      report_interval_seconds: 60,
      report: {
        reserved_host_cpus: 0,
        reserved_host_memory_mb: 512,
        reserved_host_disk_mb: 0,
        cpu_allocation_ratio: null,
        ram_allocation_ratio: null,
        disk_allocation_ratio: null,
      },
      settings: {
        use_cow_images: false,
        force_raw_images: true,
        stall_timeout_seconds: 60,
        start_grace_seconds: 0,
        images_type: 'default',
        images_volume_group: null,
        reserve_headroom_percent: 10,
        ...settings,
      },
      hypervisor: this.hypervisor,
      sender: (real_mover ?? this.mover).sender,
      receiver: (real_mover ?? this.mover).receiver,
      events: {
        publish: (event) => Promise.resolve(void this.events.push(event)),
        publishOrDrop: (event) => void this.events.push(event),
      },
      log: pino({ level: 'silent' }),
      knobs: this.hypervisor.knobs,
      ...(freeBytes === undefined ? {} : { freeBytes }),
      ...(extractions === undefined ? {} : { extractions }),
      ...(volumes === undefined ? {} : { volumes }),
    });
    await this.agent.start();
  }

  async close(): Promise<void> {
    this.agent.close();
    await this.hypervisor.close();
  }

  async restart(): Promise<void> {
    await this.close();
    await this.#start();
  }

  /** Sends a command with a new attempt. @returns its answer, or null when there was none */
  async send(message: CommandMessage): Promise<StepDone | StepFailed | null> {
    const before = this.events.length;
    await this.agent.handle(structuredClone(message));
    const answers = this.events
      .slice(before)
      .filter((event) => event.type === 'step_done' || event.type === 'step_failed');
    return (
      answers.find(
        (answer) => answer.operation_id === message.operation_id && answer.attempt === message.attempt,
      ) ?? null
    );
  }

  /** Commands of one operation, one after the other. `run` throws for a failed step. */
  operation(subject: Subject): Operation {
    const operation_id = operationId(randomUUID());
    const message = <Name extends CommandName>(
      command: Name,
      arguments_: CommandArguments[Name],
      epoch: number,
    ) => {
      this.#attempt += 1;
      return sampleCommand(command, arguments_, { ...subject, operation_id, epoch, attempt: this.#attempt });
    };
    const answer: Operation['answer'] = (command, arguments_, epoch) =>
      this.send(message(command, arguments_, epoch));
    return {
      operation_id,
      message,
      answer,
      run: async (command, arguments_, epoch) => {
        const found = await answer(command, arguments_, epoch);
        if (found?.type !== 'step_done') throw new Error(`${command}: ${JSON.stringify(found)}`);
        return { ...found, result: found.result as CommandResults[typeof command] };
      },
    };
  }

  /** Everything on this host that a migration may leave: folders with their content, guests with their state. */
  world(): unknown {
    const folders = readdirSync(this.instances_path)
      .filter((name) => name !== '_base')
      .sort();
    return Object.fromEntries(
      folders.map((folder) => [
        folder,
        Object.fromEntries(
          readdirSync(join(this.instances_path, folder))
            .sort()
            .map((name) => [name, readFileSync(join(this.instances_path, folder, name), 'latin1')]),
        ),
      ]),
    );
  }

  folders(): readonly string[] {
    return readdirSync(this.instances_path)
      .filter((name) => name !== '_base')
      .sort();
  }
}

export interface Subject {
  readonly instance_id: InstanceId;
  readonly migration_id: MigrationId | null;
}

export interface Operation {
  readonly operation_id: OperationId;
  message<Name extends CommandName>(
    command: Name,
    arguments_: CommandArguments[Name],
    epoch: number,
  ): CommandMessage;
  answer<Name extends CommandName>(
    command: Name,
    arguments_: CommandArguments[Name],
    epoch: number,
  ): Promise<StepDone | StepFailed | null>;
  run<Name extends CommandName>(
    command: Name,
    arguments_: CommandArguments[Name],
    epoch: number,
  ): Promise<Omit<StepDone, 'result'> & { readonly result: CommandResults[Name] }>;
}
