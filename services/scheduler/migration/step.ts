import type { HostName } from '../../../shared/domain/ids.ts';
import type { MigrationStatus, Phase, TaskState } from '../../../shared/domain/states.ts';
import type { CommandArguments, CommandName, CommandResults } from '../../../shared/messaging/commands.ts';
import type { Draft } from './draft.ts';
import type { Reason, Settings, World } from './model.ts';

/**
 * A plan is an ordered list of steps. Each step has an action and either an undo or, in words, the reason why it
 * needs none. The machine (decide.ts) knows nothing of what steps mean.
 */
export interface Step {
  readonly name: string;
  readonly phase: Phase;
  /** How Nova's clients see this step (design, section 6.3). */
  readonly shows?: { readonly status?: MigrationStatus; readonly task_state?: TaskState };
  /** Nova's instance-action events that begin with this step, and those that end when it is done. */
  readonly opens?: (
    world: World,
  ) => ReadonlyArray<{ readonly event: string; readonly host: HostName | null }>;
  readonly closes?: readonly string[];
  /** True: this world does not need the step; neither its action nor its undo is run. */
  readonly skip?: (world: World) => boolean;
  /** What its order says of the rows, before it is sent. */
  readonly ordered?: (draft: Draft) => void;
  readonly action: Action;
  readonly undo: Undo;
  /** From the moment this step is ordered there is no way back: failures are retried or become stuck, never unwound. */
  readonly point_of_no_return?: true;
  /** The copy has ended: its turn is for the next. */
  readonly gives_turn_back?: true;
  /** While a person has paused the operation, this step is not begun. */
  readonly waits_while_paused?: true;
  /** The chosen host said no before anything happened to the guest: unwind, then choose another one, bounded. */
  readonly on_refusal?: 'choose_again';
}

export type Action =
  /** Ask the placement core and claim. */
  | { readonly type: 'choose' }
  /** Wait until the copy may begin (turn-queue.ts). */
  | { readonly type: 'turn' }
  /** Rows only: done within the decision that reaches it. */
  | { readonly type: 'inline'; readonly run: (draft: Draft, settings: Settings) => void }
  | CommandAction;

export interface CommandAction {
  readonly type: 'command';
  readonly order: (world: World, settings: Settings) => CommandOrder;
  /** Takes the result into the rows. @returns what it means, if not that the plan goes on. */
  readonly done?: (draft: Draft, settings: Settings) => Omit<Reason, 'step'> | GoBack | undefined;
}

/** The result means that an earlier step must be done again. Who asks for it sees to it that it ends: facts count. */
export interface GoBack {
  /** The earlier step. What was done since needs no undo. */
  readonly again: string;
  /** For the step log. */
  readonly because: string;
}

export type Undo =
  | { readonly type: 'none'; readonly because: string }
  | { readonly type: 'inline'; readonly run: (draft: Draft) => void }
  | {
      readonly type: 'command';
      /** Null: nothing was done that would have to be undone in this world. */
      readonly order: (world: World, settings: Settings) => CommandOrder | null;
    };

/**
 * How long an answer may take.
 * short: a command that does little.
 * shutdown: as short, plus the time that a guest is given to stop.
 * long: silence is counted, not time; each sign of progress starts the count anew.
 * fetch: as long, but the host may first have to fetch and convert an image, of which it tells nothing: while it reports
 *        itself, it is waited for.
 * owed: worth having, not worth waiting for. The order stays in the host's queue until it is delivered, however
 *       long the host is away; the plan goes on without the answer.
 */
export type Timing = 'short' | 'shutdown' | 'long' | 'fetch' | 'owed';

export interface CommandOrder {
  readonly host: HostName;
  readonly command: CommandName;
  readonly arguments: CommandArguments[CommandName];
  readonly epoch: number;
  readonly timing: Timing;
}

/** Builds an order whose arguments are checked against its command's name. */
export function command<Name extends CommandName>(order: {
  readonly host: HostName;
  readonly command: Name;
  readonly arguments: CommandArguments[Name];
  readonly epoch: number;
  readonly timing: Timing;
}): CommandOrder {
  return order;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Rows of an operation whose steps are all undone: as before, with the reason. `shows` of the steps is taken back here. */
  readonly unwound: (draft: Draft, reason: Reason, settings: Settings) => void;
  /** Whether a person may still call it back before the point of no return. */
  readonly cancellable: boolean;
}

/** The result of an earlier step that this one cannot do without. @throws Error: our bug, the plan is out of order. */
export function fact<Name extends keyof World['operation']['facts']>(
  world: World,
  name: Name,
): NonNullable<World['operation']['facts'][Name]> {
  const found = world.operation.facts[name];
  if (found === undefined) {
    throw new Error(
      `operation ${world.operation.id} at step ${world.operation.step} has no result of step ${name}`,
    );
  }
  return found;
}

/** The migration of a plan that moves. @throws Error: our bug, such a plan was started without its migration. */
export function migrationOf(world: World): NonNullable<World['migration']> {
  if (world.migration === null) throw new Error(`operation ${world.operation.id} has no migration`);
  return world.migration;
}

/** The host where the instance lives. @throws Error: our bug, the plan does not fit an instance without a host. */
export function homeOf(world: World): HostName {
  if (world.instance.host === null) throw new Error(`instance ${world.instance.id} has no host`);
  return world.instance.host;
}

/** Facts are keyed by step name; only names that are keys of CommandResults' carriers are read back typed. */
export type StepResult = CommandResults[CommandName];
