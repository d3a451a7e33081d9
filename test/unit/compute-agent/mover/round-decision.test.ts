import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ASSUMED_BYTES_PER_SECOND,
  decideAfterRound,
  predictDowntime,
  ROUNDS_MAX,
  STEPS_SECONDS,
} from '../../../../services/compute-agent/mover/round-decision.ts';
import type { RoundFigures } from '../../../../shared/messaging/commands.ts';

const MIB = 1024 ** 2;
const GIB = 1024 * MIB;

const figures = (set: Partial<RoundFigures>): RoundFigures => ({
  round: 1,
  read_bytes: 0,
  changed_bytes: 0,
  sent_bytes: set.changed_bytes ?? 0,
  skipped_bytes: 0,
  resent_bytes: 0,
  duration_seconds: 1,
  proved_bytes: set.changed_bytes ?? 0,
  prove_seconds: 0,
  overhead_seconds: 0,
  ...set,
});

/** Rounds of a guest that writes at a rate, over a line of 100 MiB/s, proved at 1 GiB/s. */
function simulated(guest_rate: number, count: number, reads_all: boolean): RoundFigures[] {
  const rounds: RoundFigures[] = [];
  let changed_bytes = 10 * GIB;
  for (let round = 1; round <= count; round += 1) {
    const prove_seconds = changed_bytes / GIB;
    const read_bytes = reads_all || round === 1 ? 10 * GIB : changed_bytes;
    const work_seconds = Math.max(changed_bytes / (100 * MIB), read_bytes / GIB);
    const duration_seconds = work_seconds + prove_seconds;
    rounds.push(figures({ round, read_bytes, changed_bytes, duration_seconds, prove_seconds }));
    changed_bytes = Math.min(guest_rate * duration_seconds, 10 * GIB);
  }
  return rounds;
}

function ends(guest_rate: number, budget_seconds: number, reads_all: boolean) {
  for (let count = 1; ; count += 1) {
    const rounds = simulated(guest_rate, count, reads_all);
    const decision = decideAfterRound({ rounds, budget_seconds, reads_all });
    if (decision.ended !== null) return { ...decision, count };
  }
}

describe('when the guest is stopped', () => {
  test.each([
    ['a disk that fits the budget whole', 0, 200, true, 'fits_budget', 1],
    ['an idle guest, its writes known', 0, 5, false, 'fits_budget', 2],
    ['a guest that writes a tenth of the line', 10 * MIB, 5, false, 'fits_budget', 2],
    ['the same where all must be read again', 10 * MIB, 15, true, 'fits_budget', 2],
    ['the same, and reading alone takes longer than the budget', 10 * MIB, 5, true, 'not_shrinking', 6],
    ['a guest that writes faster than the line', 200 * MIB, 5, false, 'not_shrinking', 4],
    ['no time at all', 0, 0, false, 'not_shrinking', 5],
  ] as const)('%s', (_, guest_rate, budget_seconds, reads_all, ended, count) => {
    expect(ends(guest_rate, budget_seconds, reads_all)).toMatchObject({ ended, count });
  });

  test('a prediction that gets better by little for ever ends too', () => {
    const rounds = Array.from({ length: ROUNDS_MAX }, (_, index) =>
      figures({ round: index + 1, changed_bytes: GIB * 0.85 ** index, duration_seconds: 10 * 0.85 ** index }),
    );
    expect(decideAfterRound({ rounds, budget_seconds: 0, reads_all: false }).ended).toBe('rounds_max');
    const before = rounds.slice(0, -1);
    expect(decideAfterRound({ rounds: before, budget_seconds: 0, reads_all: false }).ended).toBeNull();
  });
});

describe('the prediction', () => {
  test('of a first round is that everything changes again', () => {
    const rounds = [figures({ read_bytes: GIB, changed_bytes: GIB, duration_seconds: 12, prove_seconds: 2 })];
    expect(predictDowntime(rounds, true)).toBeCloseTo(10 + 2 + STEPS_SECONDS);
  });

  test('is what the guest changed in the time of the last round, sent and looked at, and the steps', () => {
    const rounds = [
      figures({ read_bytes: GIB, changed_bytes: GIB, duration_seconds: 12, prove_seconds: 2 }),
      figures({
        read_bytes: 120 * MIB,
        changed_bytes: 120 * MIB,
        duration_seconds: 2,
        prove_seconds: 0.1,
        overhead_seconds: 0.2,
      }),
    ];
    // 10 MiB/s over 2 s, at 102.4 MiB/s on the line and about 545 MiB/s from the disk.
    expect(predictDowntime(rounds, false)).toBeCloseTo(20 / 102.4 + (20 / 1144) * 2.1 + 0.2 + STEPS_SECONDS);
  });

  const rounds = fc.array(
    fc.record({
      changed_bytes: fc.nat(10 * GIB),
      duration_seconds: fc.double({ min: 0.01, max: 1e4, noNaN: true }),
      overhead_seconds: fc.double({ min: 0, max: 10, noNaN: true }),
    }),
    { minLength: 1, maxLength: 40 },
  );

  test('is a time, never shorter than the steps, and the rounds end', () => {
    fc.assert(
      fc.property(rounds, fc.boolean(), fc.nat(100), (list, reads_all, budget_seconds) => {
        const made = list.map((set, index) =>
          figures({ ...set, round: index + 1, read_bytes: set.changed_bytes }),
        );
        const { ended, predicted_downtime_seconds } = decideAfterRound({
          rounds: made,
          budget_seconds,
          reads_all,
        });
        expect(predicted_downtime_seconds).toBeGreaterThanOrEqual(STEPS_SECONDS);
        expect(Number.isFinite(predicted_downtime_seconds)).toBe(true);
        expect(ended === 'fits_budget').toBe(predicted_downtime_seconds <= budget_seconds);
        if (made.length >= ROUNDS_MAX) expect(ended).not.toBeNull();
      }),
    );
  });

  test('is longer for a guest that has changed more, all else equal', () => {
    fc.assert(
      fc.property(rounds, fc.nat(GIB), (list, more) => {
        const made = list.map((set) => figures({ ...set, read_bytes: 10 * GIB }));
        const last = made.at(-1);
        if (last === undefined || made.length < 2) return;
        const busier = [
          ...made.slice(0, -1),
          { ...last, duration_seconds: last.duration_seconds, changed_bytes: last.changed_bytes + more },
        ];
        // A round that has sent most also says how fast the line is: only others are compared.
        if (
          Math.max(...made.slice(0, -1).map(({ changed_bytes }) => changed_bytes)) <
          last.changed_bytes + more
        )
          return;
        expect(predictDowntime(busier, false)).toBeGreaterThanOrEqual(predictDowntime(made, false) - 1e-9);
      }),
    );
  });
});

describe('what the target has to prepare', () => {
  const decided = (prepare_bytes: number, budget_seconds: number, rounds: readonly RoundFigures[]) =>
    decideAfterRound({ rounds, budget_seconds, reads_all: false, prepare_bytes });
  /** Proved at 1 GiB/s. */
  const rounds = simulated(0, 2, false);
  const without = decided(0, 60, rounds).predicted_downtime_seconds;

  test('is a part of the prediction, at the rate at which the target has read', () => {
    const decision = decided(40 * GIB, 60, rounds);
    expect(decision.predicted_prepare_seconds).toBeCloseTo(40);
    expect(decision.predicted_downtime_seconds).toBeCloseTo(without + 40);
    expect(decision.ended).toBe('fits_budget');
    expect(decided(40 * GIB, 40, rounds).ended).toBeNull();
  });

  test('is nothing where there is nothing to prepare', () => {
    expect(decided(0, 60, rounds)).toMatchObject({ predicted_prepare_seconds: 0 });
    expect(without).toBe(predictDowntime(rounds, false));
  });

  test.each([
    ['nothing', figures({ read_bytes: GIB })],
    ['little', figures({ read_bytes: GIB, proved_bytes: MIB, prove_seconds: 0.000_01 })],
  ])('is reckoned with a slow disk where the target has read %s', (_, round) => {
    const { predicted_prepare_seconds } = decided(10 * ASSUMED_BYTES_PER_SECOND, 60, [round]);
    expect(predicted_prepare_seconds).toBeCloseTo(10);
  });

  test('does not hide that rounds make the rest shorter', () => {
    const shrinking = [1, 2, 3, 4, 5].map((round) =>
      figures({
        round,
        read_bytes: GIB,
        changed_bytes: GIB * 0.5 ** round,
        duration_seconds: 8 * 0.5 ** round,
        prove_seconds: 0.01,
      }),
    );
    expect(decided(1000 * GIB, 1, shrinking).ended).toBeNull();
  });
});

test('a pause changes nothing of how fast it is expected to go', () => {
  const first = figures({ read_bytes: 10 * GIB, changed_bytes: 10 * GIB, duration_seconds: 100 });
  const second = figures({ round: 2, read_bytes: GIB, changed_bytes: GIB, duration_seconds: 10 });
  const paused = { ...first, duration_seconds: 700, paused_seconds: 600 };
  // The guest wrote for longer in the first round, so it changed less per second than it seems.
  expect(predictDowntime([paused], false)).toBeCloseTo(predictDowntime([first], false));
  expect(predictDowntime([paused, second], false)).toBeLessThan(predictDowntime([first, second], false));
});
