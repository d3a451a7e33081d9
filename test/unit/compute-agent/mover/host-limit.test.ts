import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseRateTimetable } from '../../../../shared/config/rate-timetable.ts';
import { HostLimit, wallClock } from '../../../../services/compute-agent/mover/host-limit.ts';

describe('the limit of a host', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('follows the timetable within a second of its boundary, and tells of each change once', () => {
    // A Monday.
    vi.setSystemTime(new Date('2026-11-23T07:59:58.300Z'));
    const told: number[] = [];
    const limit = new HostLimit(
      {
        bytes_per_second: 500,
        timetable: parseRateTimetable('mon 08:00-08:01 100B/s; mon 08:01-08:02 900B/s'),
        wallTime: wallClock('UTC'),
      },
      () => told.push(limit.bytes_per_second),
    );
    expect(limit.bytes_per_second).toBe(500);
    vi.advanceTimersByTime(1600);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1100);
    expect(told).toEqual([100]);
    // The host's own limit is smaller than 900: the smaller one counts.
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([100, 500]);
    limit.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('runs no timer without a timetable', () => {
    const limit = new HostLimit({ bytes_per_second: 5 }, () => undefined);
    expect(limit.bytes_per_second).toBe(5);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the clock on the wall', () => {
  const at = (zone: string, time: string) => wallClock(zone, () => new Date(time))();
  test.each([
    ['UTC', '2026-11-22T00:00:00Z', { weekday: 0, minute: 0 }],
    ['UTC', '2026-11-22T23:59:59Z', { weekday: 0, minute: 1439 }],
    ['Europe/Berlin', '2026-11-22T23:30:00Z', { weekday: 1, minute: 30 }],
    // Summer time: an hour more.
    ['Europe/Berlin', '2026-07-05T22:30:00Z', { weekday: 1, minute: 30 }],
    ['Asia/Kolkata', '2026-11-21T18:45:00Z', { weekday: 0, minute: 15 }],
    ['America/Los_Angeles', '2026-11-22T07:59:00Z', { weekday: 6, minute: 1439 }],
  ])('%s at %s', (zone, time, shown) => expect(at(zone, time)).toEqual(shown));
});
