import { describe, expect, test } from 'vitest';
import { progressLine } from '../../../services/cli/output/progress-line.ts';
import { formatBytes, formatSeconds, parseRate } from '../../../services/cli/output/sizes.ts';

const MIB = 1024 ** 2;

test('a bar where bytes move', () => {
  expect(
    progressLine({
      phase: 'copy',
      total_bytes: 100 * MIB,
      processed_bytes: 50 * MIB,
      rate_bytes_per_second: 10 * MIB,
      eta_seconds: 5,
    }),
  ).toBe('copy         ██████████████░░░░░░░░░░░░░░  50%  50.0 MiB of 100 MiB  10.0 MiB/s  5s left');
});

test('the round where the disks are gone through more than once', () => {
  const view = {
    total_bytes: 100,
    processed_bytes: 50,
    rate_bytes_per_second: null,
    eta_seconds: null,
    round: 2,
  };
  expect(progressLine({ ...view, phase: 'pre-copy' })).toMatch(/50%  50 B of 100 B  round 2$/);
  expect(progressLine({ ...view, phase: 'copy' })).toMatch(/50%  50 B of 100 B$/);
});

test('only the phase where none move', () => {
  const view = {
    phase: 'stop',
    total_bytes: 5,
    processed_bytes: 5,
    rate_bytes_per_second: 0,
    eta_seconds: null,
  };
  expect(progressLine(view)).toBe('stop');
  expect(progressLine({ ...view, phase: 'copy', total_bytes: null })).toBe('copy');
});

test('what keeps it from going on', () => {
  const view = {
    phase: 'copy',
    total_bytes: 100 * MIB,
    processed_bytes: 50 * MIB,
    rate_bytes_per_second: 10 * MIB,
    eta_seconds: 5,
  };
  const waiting = { ...view, phase: 'queued', waits_for: 'waits for c1: 4 of 4 transfers leave it' };
  expect(progressLine(waiting)).toBe('queued       waits for c1: 4 of 4 transfers leave it');
  expect(progressLine({ ...view, paused: true })).toBe(
    'copy         ██████████████░░░░░░░░░░░░░░  50%  50.0 MiB of 100 MiB  paused',
  );
  expect(progressLine({ ...view, phase: 'stop', paused: true })).toBe('stop         paused');
});

describe('sizes', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [MIB, '1.0 MiB'],
    [250 * 1024 * MIB, '250 GiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  test.each([
    [0.4, '0s'],
    [75, '1m15s'],
    [3725, '1h02m'],
  ])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
  test.each([
    ['50MiB/s', 50 * MIB],
    ['50m', 50 * MIB],
    ['1.5 GiB/s', 1.5 * 1024 * MIB],
    ['50 MB/s', 50_000_000],
    ['0', 0],
  ])('%s is %d bytes per second', (text, rate) => expect(parseRate(text)).toBe(rate));
  test.each(['', 'fast', '-1M', '5 parsecs', '100 Mbit/s'])('%j is no rate', (text) => {
    expect(() => parseRate(text)).toThrow(RangeError);
  });
});
