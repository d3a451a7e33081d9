import { describe, expect, test } from 'vitest';
import { ExtentSet } from '../../../../services/compute-agent/mover/disks/extent-set.ts';
import { SentExtents } from '../../../../services/compute-agent/mover/sender/sent-extents.ts';
import { migrationId } from '../../../../shared/domain/ids.ts';

const id = migrationId('33333333-3333-4333-8333-333333333333');

const totals = (sent_bytes: number) => ({ sent_bytes, resent_bytes: sent_bytes / 10 });

describe('what senders have sent of a round', () => {
  test('grows with each report, and neighbours become one', () => {
    const sent = new SentExtents();
    sent.note(id, 1, { disk: [[0, 5]] }, totals(5));
    sent.note(
      id,
      1,
      {
        disk: [
          [5, 2],
          [9, 1],
        ],
        other: [[3, 1]],
      },
      totals(9),
    );
    expect(sent.of(id)).toEqual({
      disk: [
        [0, 7],
        [9, 1],
      ],
      other: [[3, 1]],
    });
  });

  test('is forgotten with the next round, and with the migration', () => {
    const sent = new SentExtents();
    sent.note(id, 1, { disk: [[0, 5]] }, totals(5));
    sent.note(id, 2, { disk: [[7, 1]] }, totals(6));
    expect(sent.of(id)).toEqual({ disk: [[7, 1]] });
    // What a migration has cost is not: rounds and senders come and go.
    expect(sent.totalsOf(id)).toEqual(totals(6));
    sent.forget(id);
    expect(sent.of(id)).toEqual({});
    expect(sent.totalsOf(id)).toEqual(totals(0));
  });
});

test('a set tells what is new in it once, as runs', () => {
  const set = new ExtentSet(40, false);
  const told = new ExtentSet(40, false);
  for (const index of [0, 1, 2, 7, 8, 39]) set.add(index);
  expect(set.takeNew(told)).toEqual([
    [0, 3],
    [7, 2],
    [39, 1],
  ]);
  set.add(3);
  expect(set.takeNew(told)).toEqual([[3, 1]]);
  expect(set.takeNew(told)).toEqual([]);
});

test('a set of many runs is told in parts, and each run once', () => {
  const set = new ExtentSet(4000, false);
  const told = new ExtentSet(4000, false);
  for (let index = 0; index < 4000; index += 2) set.add(index);
  const runs: number[] = [];
  for (let part = set.takeNew(told, 512); part.length > 0; part = set.takeNew(told, 512)) {
    expect(part.length).toBeLessThan(520);
    runs.push(...part.map(([first]) => first));
  }
  expect(runs).toEqual(Array.from({ length: 2000 }, (_, place) => place * 2));
});

test('what a sender is told of those before it fits one line', () => {
  const sent = new SentExtents();
  const runs = Array.from({ length: 10_000 }, (_, place): [number, number] => [place * 2, 1]);
  for (let disk = 0; disk < 64; disk += 1) sent.note(id, 1, { [`disk${disk}`]: runs }, totals(0));
  expect(JSON.stringify(sent.of(id)).length).toBeLessThan(2 ** 20 / 3);
});
