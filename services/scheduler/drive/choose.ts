import { setImmediate as untilIdle } from 'node:timers/promises';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { Refusal } from '../claims/capacity.ts';
import { decide as decidePlacement } from '../placement/decide.ts';
import { packRecord } from '../placement-record.ts';
import { Choice, type Round } from './choice.ts';
import { claimAlone, claimTogether, giveUp, type Trial, type Tried } from './choice-claims.ts';
import type { AfterCommit, ChooseTask } from './decision.ts';
import { readPlacementRequests } from './placement-request.ts';
import type { DriveServices } from './services.ts';
import { transact, type Transaction } from './transaction.ts';
import type { Turns } from './turns.ts';

/** Choices of one transaction: more would hold their hosts' locks for longer, and cost each hardly less. */
export const TOGETHER_MAX = 48;
/**
 * While some are under way in the database, the next choices are decided here. With two this process waits a fifth of
 * its time for the database; a fourth gained nothing.
 */
export const RUNS_AT_ONCE = 3;
/** Decisions made without letting the process do anything else. */
const DECISIONS_IN_A_ROW = 8;

/**
 * Carries out the order `choose`: decide on the snapshot, then, in one transaction, check that the order still stands,
 * claim the host, store the decision and tell the machine. A crash anywhere leaves no claim without its operation
 * knowing of it. When the host refuses, the next alternate is tried; hosts that refuse are left out of the next
 * decision, bounded.
 *
 * Choices share transactions: one that comes while others are being made joins those that come with it, one that comes
 * alone is made at once. They are decided one after the other, each counting what those before it take. What a choice
 * tries next after a refusal is tried in another transaction: one that went on to the next host with the lock of the
 * last one would wait for another that tries the same two in the opposite order.
 */
export class Chooser {
  readonly #services: DriveServices;
  readonly #turns: Turns;
  #waiting: Choice[] = [];
  #running = 0;
  #isBeginning = false;

  constructor(services: DriveServices, turns: Turns) {
    this.#services = services;
    this.#turns = turns;
  }

  /** @returns null when the order was overtaken: another scheduler drives, or the operation was called back. */
  async choose(task: ChooseTask): Promise<AfterCommit | null> {
    const choice = new Choice(task);
    this.#join(choice);
    return await choice.outcome;
  }

  #join(choice: Choice): void {
    this.#waiting.push(choice);
    this.#beginSoon();
  }

  /** Not at once: those that come in the same moment are to go together. */
  #beginSoon(): void {
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    setImmediate(() => {
      this.#isBeginning = false;
      this.#begin();
    });
  }

  #begin(): void {
    while (this.#running < RUNS_AT_ONCE && this.#waiting.length > 0) {
      const taken = this.#take();
      this.#running += 1;
      void this.#run(taken).finally(() => {
        this.#running -= 1;
        this.#beginSoon();
      });
    }
  }

  /** The first that wait, of each operation one: an order that came twice is seen to be overtaken the second time. */
  #take(): readonly Choice[] {
    const taken = new Map<string, Choice>();
    const left: Choice[] = [];
    for (const choice of this.#waiting) {
      if (taken.size < TOGETHER_MAX && !taken.has(choice.task.operation_id))
        taken.set(choice.task.operation_id, choice);
      else left.push(choice);
    }
    this.#waiting = left;
    return [...taken.values()];
  }

  /** Never rejects: each choice is told what became of it. */
  async #run(choices: readonly Choice[]): Promise<void> {
    try {
      await this.#decide(choices.filter(({ round }) => round === null));
    } catch (error) {
      for (const choice of choices) this.#fail(choice, error);
      return;
    }
    const trials = choices.flatMap((choice): Trial[] =>
      choice.round === null ? [] : [{ choice, round: choice.round }],
    );
    if (trials.length === 0) return;
    try {
      const tried = await transact(this.#services.pool, (transaction) =>
        claimTogether(this.#services, transaction, trials),
      );
      this.#settle(trials, tried);
    } catch (error) {
      this.#services.log.warn(
        { error, choices: trials.length },
        'claims made together failed; each is made by itself',
      );
      // What one of them brought about must not be the others' end.
      for (const trial of trials) void this.#alone(trial);
    }
  }

  /** Decides for each; those that need nothing claimed, because nothing was found or asked, are ended. */
  async #decide(choices: readonly Choice[]): Promise<void> {
    if (choices.length === 0) return;
    const { pool, snapshot, placement, host_lists } = this.#services;
    const tasks = choices.map(({ task }) => task);
    const [asked] = await Promise.all([readPlacementRequests(pool, tasks), snapshot.refresh()]);
    const lists = new Set<readonly HostName[]>();
    const hopeless: Array<() => void> = [];
    for (const [place, choice] of choices.entries()) {
      if (place > 0 && place % DECISIONS_IN_A_ROW === 0) await untilIdle();
      const question = asked.get(choice.task.operation_id);
      if (question === undefined) {
        choice.end(null);
        continue;
      }
      try {
        const { ignore_hosts, tried_hosts = [] } = question.placement;
        const refused = [...choice.refusals.keys()];
        const request = snapshot.withReservedMembers({
          ...question.placement,
          ignore_hosts: [...ignore_hosts, ...refused],
          tried_hosts: [...tried_hosts, ...refused],
        });
        const decision = decidePlacement(snapshot.current(), request, placement, question.request_id);
        choice.decisions += 1;
        const record = packRecord(decision, (names) => {
          lists.add(names);
          return host_lists.digestOf(names);
        });
        const { chosen, alternates } = decision;
        if (chosen === null) hopeless.push(() => void this.#giveUp(choice, { decision, record }));
        else choice.round = this.#roundOf({ decision, record, request }, chosen, alternates);
      } catch (error) {
        choice.fail(error);
      }
    }
    for (const names of lists) await host_lists.store(names);
    for (const giveUpNow of hopeless) giveUpNow();
  }

  #roundOf(
    made: Pick<Round, 'decision' | 'record' | 'request'>,
    candidate: HostName,
    others: readonly HostName[],
  ): Round {
    const details = made.decision.details.find(({ host }) => host === candidate)?.details ?? null;
    const reservation = this.#services.snapshot.reserve(candidate, made.request, details);
    return { ...made, candidate, others, reservation };
  }

  /** Beside each other: trials of one transaction, and what came of them. */
  #settle(trials: readonly Trial[], tried: readonly Tried[]): void {
    const { snapshot } = this.#services;
    const claimed = trials.flatMap(({ round: { reservation } }, place) => {
      const one = tried[place];
      // A claim that replaced an earlier one took less than was reserved.
      return one?.what === 'claimed' && one.target.is_new
        ? [{ reservation, generation: one.target.generation }]
        : [];
    });
    snapshot.settle(claimed);
    for (const [place, trial] of trials.entries()) {
      const one = tried[place] ?? { what: 'alone' };
      if (one.what === 'alone') {
        void this.#alone(trial);
        continue;
      }
      snapshot.release(trial.round.reservation);
      if (one.what === 'refused') this.#goOn(trial, one.refusal);
      else trial.choice.end(one.after);
    }
  }

  /** The next of the decision's alternates, or a new decision, or the end. */
  #goOn({ choice, round }: Trial, refusal: Refusal): void {
    const { log, placement } = this.#services;
    const { candidate, others } = round;
    choice.refusals.set(candidate, refusal);
    log.warn(
      { operation: choice.task.operation_id, host: candidate, ...refusal },
      `claim refused: ${candidate} ${refusal.message}`,
    );
    const [next, ...rest] = others;
    if (next !== undefined) choice.round = this.#roundOf(round, next, rest);
    else if (choice.decisions < placement.scheduler.max_attempts) choice.round = null;
    else {
      void this.#giveUp(choice, round);
      return;
    }
    this.#join(choice);
  }

  async #alone(trial: Trial): Promise<void> {
    const { choice } = trial;
    try {
      const tried = await this.#inTurn(choice, (transaction) =>
        claimAlone(this.#services, transaction, trial),
      );
      this.#settle([trial], [tried]);
    } catch (error) {
      this.#fail(choice, error);
    }
  }

  async #giveUp(choice: Choice, made: Pick<Round, 'decision' | 'record'>): Promise<void> {
    try {
      choice.end(
        await this.#inTurn(choice, (transaction) => giveUp(this.#services, transaction, choice, made)),
      );
    } catch (error) {
      choice.fail(error);
    }
  }

  #fail(choice: Choice, error: unknown): void {
    if (choice.round !== null) this.#services.snapshot.release(choice.round.reservation);
    choice.fail(error);
  }

  async #inTurn<Result>(
    { task: { operation_id } }: Choice,
    work: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    return await this.#turns.take(operation_id, () => transact(this.#services.pool, work));
  }
}
