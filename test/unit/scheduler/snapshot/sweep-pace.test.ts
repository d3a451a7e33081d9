import { expect, test } from 'vitest';
import { SweepPace } from '../../../../services/scheduler/snapshot/sweep-pace.ts';

/** Hosts with ids 1 … count; asks every `step` seconds and notes when each was looked at. */
function looks(count: number, step: number, until: number): { at: Map<number, number[]>; largest: number } {
  const pace = new SweepPace(6);
  pace.lookedAtAll(0);
  const at = new Map<number, number[]>();
  let largest = 0;
  for (let now = step; now <= until; now += step) {
    const slice = pace.due(now, count);
    const found = Array.from({ length: slice.count }, (_, index) => ({ id: slice.after + index + 1 })).filter(
      ({ id }) => id <= count,
    );
    largest = Math.max(largest, found.length);
    for (const { id } of found) at.set(id, [...(at.get(id) ?? [0]), now]);
    pace.looked(found, slice);
  }
  return { at, largest };
}

test.each([
  [10_000, 0.25],
  [2000, 0.5],
  [150, 0.5],
])('each of %i hosts is looked at about once in six seconds, a few at a time', (count, step) => {
  const { at, largest } = looks(count, step, 20);
  expect(at.size).toBe(count);
  for (const times of at.values())
    for (const [index, time] of times.entries())
      if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeLessThanOrEqual(9);
  expect(largest).toBeLessThanOrEqual(
    Math.max(100, Math.ceil((count * step) / 6) + 1, count < 1000 ? 150 : 0),
  );
});

test('after a pause all are due at once, so that a host that fell silent meanwhile is not taken for up', () => {
  const pace = new SweepPace(6);
  pace.lookedAtAll(0);
  expect(pace.due(3600, 10_000)).toEqual({ after: 0, count: 10_000 });
  expect(pace.due(3600, 10_000).count).toBe(0);
});
