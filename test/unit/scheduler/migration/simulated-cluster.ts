import type { HostName } from '../../../../shared/domain/ids.ts';
import type { OperationKind } from '../../../../shared/domain/states.ts';
import { decide } from '../../../../services/scheduler/migration/decide.ts';
import type { MachineEvent } from '../../../../services/scheduler/migration/machine-event.ts';
import type { Settings, TurnAnswer, World } from '../../../../services/scheduler/migration/model.ts';
import type {
  Change,
  MigrationPatch,
  Order,
  Outcome,
} from '../../../../services/scheduler/migration/outcome.ts';
import type { TransferLimits } from '../../../../services/scheduler/migration/turn-queue.ts';
import { allHosts, alpha, beta, gamma, instance, migration, operation, settings, world } from './rows.ts';
import { SimulatedHost, type CommandOrder } from './simulated-host.ts';

const warmRequest = { mode: 'warm', downtime_budget_seconds: 10 } as const;

type Answer = Extract<MachineEvent, { type: 'step_done' | 'step_failed' }>;

/** What befalls one order. */
export type Fate = 'normal' | 'refuse' | 'crash_before' | 'crash_after' | 'twice';

/**
 * The shell and the hosts around the pure machine, in memory: rows, claims, queues. It applies changes as the real
 * shell does and lets a test decide what happens to every message.
 */
export class SimulatedCluster {
  world: World;
  readonly hosts = new Map<HostName, SimulatedHost>();
  readonly down = new Set<HostName>();
  /** Orders that wait in the hosts' queues, oldest first. */
  queue: CommandOrder[] = [];
  answers: Answer[] = [];
  choosing: Extract<Order, { type: 'choose' }> | null = null;
  /** Claims by owner: the instance's own, and the one that a migration holds. */
  claims: { instance: HostName | null; migration: HostName | null } = { instance: alpha, migration: null };
  readonly events = new Map<string, 'open' | 'Success' | 'Error'>();
  readonly eventDetails = new Map<string, string | null>();
  faults: string[] = [];
  /** What the migration's record was given. */
  set: MigrationPatch = {};
  abandoned_images: string[] = [];
  /** The steps' log, undos and actions alike. */
  log: string[] = [];
  /** Hosts that placement still offers, best first. */
  offers: HostName[] = [beta, gamma];
  transfer_limits: TransferLimits = { per_source: 1, per_target: 1, in_cluster: 1 };
  /** Why no copy may begin; null: one may. */
  obstacle: TurnAnswer['obstacle'] = null;

  constructor(kind: OperationKind, options: { readonly stopped?: boolean; readonly warm?: boolean } = {}) {
    for (const name of allHosts) this.hosts.set(name, new SimulatedHost());
    for (const host of this.hosts.values()) {
      host.peers = () => [...this.hosts.values()].filter((peer) => peer !== host);
    }
    this.host(alpha).home = 'the-guest';
    this.host(alpha).running = options.stopped !== true;
    this.host(alpha).epoch = 1;
    const stopped = options.stopped === true;
    this.world = world(kind, {
      ...(options.warm === true ? { operation: operation(kind, { request: warmRequest }) } : {}),
      instance: instance(stopped ? { vm_state: 'stopped', power_state: 4 } : {}),
      ...(kind === 'cold' ? { migration: migration({ old_vm_state: stopped ? 'stopped' : 'active' }) } : {}),
    });
  }

  host(name: HostName): SimulatedHost {
    return this.hosts.get(name)!;
  }

  /** Begins another operation on the same instance, as the api would. */
  request(kind: OperationKind): void {
    const before = this.world;
    this.world = { ...before, operation: { ...operation(kind), id: before.operation.id } };
    if (kind === 'revert')
      this.world = { ...this.world, instance: { ...before.instance, task_state: 'resize_reverting' } };
    this.happen({ type: 'requested' });
  }

  happen(event: MachineEvent): Outcome {
    const outcome = this.#decide(event);
    for (const change of outcome.changes) this.#apply(change);
    for (const order of outcome.orders) {
      if (order.type === 'choose') this.choosing = order;
      else if (order.type === 'command') this.queue.push(order);
    }
    return outcome;
  }

  /** As the shell: once more with the answer, when the decision depends on it. */
  #decide(event: MachineEvent): Outcome {
    const used: Settings = { ...settings, transfer_limits: this.transfer_limits };
    const outcome = decide(this.world, event, used);
    if (!outcome.orders.some((order) => order.type === 'turn')) return outcome;
    return decide({ ...this.world, turn_answer: { obstacle: this.obstacle, tag: 0 } }, event, used);
  }

  /** A person pauses it or lets it go on, as the api writes it; the scheduler is woken. */
  pause(paused: boolean): void {
    this.world = { ...this.world, operation: { ...this.world.operation, paused } };
    this.happen({ type: 'governance_changed' });
    this.happen({ type: 'turn_due' });
  }

  /** The placement core and the claim, for a `choose` that is out. */
  choose(): void {
    if (this.choosing === null) return;
    const { attempt, ignore_hosts: ignored } = this.choosing;
    this.choosing = null;
    const { operation } = this.world;
    if (operation.state !== 'running' || operation.step !== 'choose' || operation.attempt !== attempt) return;
    const host = this.offers.find((candidate) => !ignored.includes(candidate));
    if (host === undefined) {
      this.happen({
        type: 'choose_failed',
        reason: { code: 'no_valid_host', message: 'No valid host was found. 3 of 3 hosts: …' },
        decision_id: null,
      });
      return;
    }
    this.claims = {
      instance: host,
      migration: this.world.migration === null ? null : (this.claims.instance ?? alpha),
    };
    this.happen({
      type: 'claimed',
      fact: { decision_id: 'd', host, node: host, address: '127.0.1.2', availability_zone: 'nova' },
    });
  }

  /** Delivers the oldest order of a host that is up. @returns false if there is none. */
  deliver(fate: Fate = 'normal'): boolean {
    const index = this.queue.findIndex((order) => !this.down.has(order.host));
    const [order] = index < 0 ? [] : this.queue.splice(index, 1);
    if (order === undefined) return false;
    if (fate === 'crash_before') return true;
    const answer = fate === 'refuse' ? { refused: 'refused_by_test' } : this.host(order.host).run(order);
    if (fate === 'twice') this.host(order.host).run(order);
    if (fate === 'crash_after') return true;
    const address = {
      step: order.step,
      direction: order.direction,
      attempt: order.attempt,
      host: order.host,
    };
    const command = order.command;
    const event: Answer =
      'result' in answer
        ? { type: 'step_done', ...address, command, summary: 'done', result: answer.result }
        : {
            type: 'step_failed',
            ...address,
            command,
            code: answer.refused,
            message: answer.refused,
            retriable: false,
          };
    this.answers.push(event);
    if (fate === 'twice') this.answers.push(event);
    return true;
  }

  /** Gives the oldest answer to the machine. @returns false if there is none. */
  hear(): boolean {
    const answer = this.answers.shift();
    if (answer === undefined) return false;
    this.happen(answer);
    return true;
  }

  /** Runs until nothing moves: answers first, then orders, then decisions, then deadlines. Bounded. */
  settle(fate: (order: CommandOrder) => Fate = () => 'normal'): void {
    for (let round = 0; round < 300; round += 1) {
      if (this.hear()) continue;
      const next = this.queue.find((order) => !this.down.has(order.host));
      if (next !== undefined) {
        this.deliver(fate(next));
        continue;
      }
      if (this.choosing !== null) {
        this.choose();
        continue;
      }
      const { operation } = this.world;
      if (operation.state !== 'running' && operation.state !== 'unwinding') return;
      const owing = this.queue[0]?.host;
      this.happen({ type: 'deadline_elapsed', host_is_up: owing === undefined || !this.down.has(owing) });
      if (owing !== undefined && this.down.has(owing) && round > 200) return;
    }
    throw new Error(`does not settle: ${JSON.stringify(this.world.operation)}`);
  }

  /** Runs until this step is ordered. Bounded. */
  until(step: string): void {
    for (let moves = 0; moves < 100; moves += 1) {
      if (this.world.operation.step === step) return;
      if (!this.hear() && !this.deliver()) this.choose();
    }
    throw new Error(`does not come to ${step}: ${JSON.stringify(this.world.operation)}`);
  }

  /** Hosts on which the guest runs at this moment. */
  runningOn(): HostName[] {
    return allHosts.filter((name) => this.host(name).running);
  }

  #apply(change: Change): void {
    switch (change.type) {
      case 'operation': {
        const { deadline_seconds: _deadline, turn_tag: _tag, ...set } = change.set;
        this.world = { ...this.world, operation: { ...this.world.operation, ...set } };
        return;
      }
      case 'instance': {
        const { launched: _launched, progress: _progress, ...set } = change.set;
        this.world = { ...this.world, instance: { ...this.world.instance, ...set } };
        return;
      }
      case 'migration': {
        this.set = { ...this.set, ...change.set };
        const { status, target_host, target_node, was_running } = change.set;
        const { migration } = this.world;
        if (migration === null) throw new Error('a change of a migration that is not there');
        this.world = {
          ...this.world,
          migration: {
            ...migration,
            status: status ?? migration.status,
            target_host: target_host ?? migration.target_host,
            target_node: target_node ?? migration.target_node,
            was_running: was_running ?? migration.was_running,
          },
        };
        return;
      }
      case 'claims_back_to_source':
        if (this.claims.migration !== null)
          this.claims = { instance: this.claims.migration, migration: null };
        return;
      case 'claims_release_source':
        this.claims = { ...this.claims, migration: null };
        return;
      case 'claims_release_all':
        this.claims = { instance: null, migration: null };
        return;
      case 'event_start':
        this.events.set(change.event, 'open');
        return;
      case 'event_finish':
        if (this.events.get(change.event) === 'open') {
          this.events.set(change.event, change.result);
          this.eventDetails.set(change.event, change.details);
        }
        return;
      case 'fault':
        this.faults.push(change.message);
        return;
      case 'progress':
        return;
      case 'step_log':
        this.log.push(
          `${change.step} ${change.event}${change.summary === null ? '' : `: ${change.summary}`}`,
        );
        return;
      case 'image_abandoned':
        this.abandoned_images.push(change.image_id);
        return;
      case 'action_finish':
      case 'instance_deleted':
        return;
      default:
        change satisfies never;
    }
  }
}
