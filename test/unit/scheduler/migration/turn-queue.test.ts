import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostName } from '../../../../shared/domain/ids.ts';
import {
  describeObstacle,
  nextTurns,
  obstacleOf,
  startTag,
  TransferTally,
  type Transfer,
  type TransferLimits,
  type WaitingTransfer,
} from '../../../../services/scheduler/migration/turn-queue.ts';

const host = (number: number) => hostName(`compute${number}`);
const none: TransferLimits = { per_source: 0, per_target: 0, in_cluster: 0 };

function waits(id: string, set: Partial<WaitingTransfer> = {}): WaitingTransfer {
  return {
    id,
    source: host(1),
    target: host(2),
    priority: 0,
    tag: 0,
    requested_at: 0,
    paused: false,
    ...set,
  };
}

const ids = (transfers: readonly WaitingTransfer[]) => transfers.map(({ id }) => id).join(' ');

describe('who is next', () => {
  test.each<[string, WaitingTransfer[], string]>([
    ['the larger priority', [waits('a'), waits('b', { priority: 5 })], 'b'],
    ['then the smaller tag', [waits('a', { tag: 3 }), waits('b', { tag: 2 })], 'b'],
    ['then who asked first', [waits('a', { requested_at: 9 }), waits('b', { requested_at: 8 })], 'b'],
    ['never a paused one', [waits('a', { priority: 9, paused: true }), waits('b')], 'b'],
    ['who needs another host goes past', [waits('a'), waits('b'), waits('c', { source: host(3) })], 'a c'],
  ])('%s', (_rule, waiting, next) => {
    expect(ids(nextTurns(waiting, [], { ...none, per_source: 1 }))).toBe(next);
  });

  test('what copies already counts', () => {
    const running: Transfer[] = [{ source: host(1), target: host(9) }];
    expect(nextTurns([waits('a')], running, { ...none, per_source: 1 })).toEqual([]);
    expect(nextTurns([waits('a')], running, { ...none, per_target: 1 })).toHaveLength(1);
    expect(nextTurns([waits('a')], running, { ...none, in_cluster: 1 })).toEqual([]);
  });
});

test.each<[Partial<TransferLimits>, string]>([
  [{ per_source: 3 }, 'waits for compute1: 3 of 3 transfers leave it'],
  [{ per_target: 2 }, 'waits for compute2: 2 of 2 transfers arrive at it'],
  [{ in_cluster: 7 }, 'waits for the cluster: 7 of 7 transfers run'],
])('what is waited for is named: %o', (limits, sentence) => {
  const counts = { leaving: 3, arriving: 2, in_cluster: 7 };
  const obstacle = obstacleOf({ source: host(1), target: host(2) }, counts, { ...none, ...limits });
  expect(obstacle === null ? null : describeObstacle(obstacle)).toBe(sentence);
});

/** A cluster of copies as the scheduler keeps it in rows: tags when they join, turns when some are free. */
class Simulation {
  readonly limits: TransferLimits;
  waiting: Array<WaitingTransfer & { readonly project: number }> = [];
  running: Array<WaitingTransfer & { readonly project: number }> = [];
  granted: Array<WaitingTransfer & { readonly project: number }> = [];
  readonly #project_tags = new Map<number, number>();
  #granted_tag: number | null = null;
  #clock = 0;

  constructor(limits: TransferLimits) {
    this.limits = limits;
  }

  ask(project: number, source: number, target: number, priority = 0): void {
    const { per_source, per_target, in_cluster } = this.limits;
    const beside = this.waiting.filter(
      (one) =>
        one.priority === priority &&
        ((per_source > 0 && one.source === host(source)) ||
          (per_target > 0 && one.target === host(target)) ||
          in_cluster > 0),
    );
    const tag = startTag({
      granted: this.#granted_tag,
      waiting: beside.length > 0 ? Math.min(...beside.map((one) => one.tag)) : null,
      project: this.#project_tags.get(project) ?? null,
    });
    this.#project_tags.set(project, tag);
    this.#clock += 1;
    const id = String(this.#clock);
    const hosts = { source: host(source), target: host(target) };
    this.waiting.push({ ...waits(id, { ...hosts, priority, tag, requested_at: this.#clock }), project });
  }

  give(): void {
    const next = new Set(nextTurns(this.waiting, this.running, this.limits).map(({ id }) => id));
    const chosen = this.waiting.filter(({ id }) => next.has(id));
    this.waiting = this.waiting.filter(({ id }) => !next.has(id));
    this.running.push(...chosen);
    this.granted.push(...chosen);
    for (const { tag } of chosen) this.#granted_tag = Math.max(this.#granted_tag ?? 0, tag);
  }

  end(index: number): void {
    if (this.running.length > 0) this.running.splice(index % this.running.length, 1);
  }
}

const limitsOf = fc.record({
  per_source: fc.integer({ min: 0, max: 3 }),
  per_target: fc.integer({ min: 0, max: 3 }),
  in_cluster: fc.integer({ min: 0, max: 5 }),
});
const happening = fc.oneof(
  fc.record({
    does: fc.constant('ask' as const),
    project: fc.integer({ min: 0, max: 3 }),
    source: fc.integer({ min: 0, max: 3 }),
    target: fc.integer({ min: 4, max: 6 }),
    priority: fc.integer({ min: -1, max: 1 }),
  }),
  fc.record({ does: fc.constant('end' as const), index: fc.nat(20) }),
);

test('limits are never exceeded, and nobody waits who could begin', () => {
  fc.assert(
    fc.property(limitsOf, fc.array(happening, { maxLength: 80 }), (limits, walk) => {
      const simulation = new Simulation(limits);
      for (const what of walk) {
        if (what.does === 'ask') simulation.ask(what.project, what.source, what.target, what.priority);
        else simulation.end(what.index);
        simulation.give();
        const tally = new TransferTally(simulation.running);
        for (const transfer of simulation.running) {
          const { leaving, arriving, in_cluster } = tally.countsFor(transfer);
          if (limits.per_source > 0) expect(leaving).toBeLessThanOrEqual(limits.per_source);
          if (limits.per_target > 0) expect(arriving).toBeLessThanOrEqual(limits.per_target);
          if (limits.in_cluster > 0) expect(in_cluster).toBeLessThanOrEqual(limits.in_cluster);
        }
        for (const transfer of simulation.waiting)
          expect(obstacleOf(transfer, tally.countsFor(transfer), limits)).not.toBeNull();
      }
    }),
  );
});

describe('projects take turns', () => {
  test('two that want more than there is get the same number, whoever came first and however much it asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 8, max: 60 }), (per_source, many) => {
        const simulation = new Simulation({ ...none, per_source });
        for (let count = 0; count < many; count += 1) simulation.ask(0, 1, 2);
        simulation.give();
        for (let count = 0; count < 8; count += 1) simulation.ask(1, 1, 2);
        const before = simulation.granted.length;
        while (simulation.waiting.some(({ project }) => project === 1)) {
          simulation.end(0);
          simulation.give();
          const since = simulation.granted.slice(before);
          const [first, second] = [0, 1].map((one) => since.filter(({ project }) => project === one).length);
          if (simulation.waiting.some(({ project }) => project === 0))
            expect(Math.abs((first ?? 0) - (second ?? 0))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('one that empties a busy host, and gets turns elsewhere, keeps nobody from that host', () => {
    const simulation = new Simulation({ ...none, per_source: 1 });
    for (let count = 0; count < 20; count += 1) simulation.ask(0, 1, 2);
    simulation.ask(0, 3, 2);
    simulation.give();
    simulation.ask(1, 1, 2);
    for (let count = 0; count < 2; count += 1) {
      // What leaves the busy host: the copy from the other one runs on.
      simulation.end(count);
      simulation.give();
    }
    expect(simulation.granted.slice(2).map(({ project }) => project)).toContain(1);
  });

  test('who was busy yesterday does not wait longer today', () => {
    const simulation = new Simulation({ ...none, per_source: 1 });
    for (let count = 0; count < 50; count += 1) {
      simulation.ask(0, 1, 2);
      simulation.give();
      simulation.end(0);
    }
    for (let count = 0; count < 10; count += 1) simulation.ask(1, 1, 2);
    simulation.give();
    simulation.ask(0, 1, 2);
    simulation.end(0);
    simulation.give();
    simulation.end(0);
    simulation.give();
    expect(simulation.granted.slice(50).map(({ project }) => project)).toContain(0);
  });

  test('nobody starves, though others ask without end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), (others, mine) => {
        const simulation = new Simulation({ ...none, per_source: 1 });
        for (let project = 1; project <= others; project += 1) simulation.ask(project, 1, 2);
        for (let count = 0; count < mine; count += 1) simulation.ask(0, 1, 2);
        let rounds = 0;
        while (simulation.waiting.some(({ project }) => project === 0)) {
          simulation.end(0);
          simulation.give();
          // Each of the others always has one that waits.
          for (let project = 1; project <= others; project += 1)
            if (!simulation.waiting.some((one) => one.project === project)) simulation.ask(project, 1, 2);
          rounds += 1;
          expect(rounds).toBeLessThanOrEqual((others + 1) * (mine + 1));
        }
      }),
    );
  });
});
