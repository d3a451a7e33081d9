import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limitAt, parseRateTimetable, TimetableError } from '../../../shared/config/rate-timetable.ts';

const MIB = 2 ** 20;
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** `mon 07:59` → what a wall clock shows then. */
function at(text: string) {
  const [day = '', time = ''] = text.split(' ');
  const [hour, minute] = time.split(':').map(Number);
  return { weekday: days.indexOf(day), minute: (hour ?? 0) * 60 + (minute ?? 0) };
}

describe('the limit at a time', () => {
  const office = 'mon-fri 08:00-18:00 100MiB/s; sat,sun 00:00-24:00 0';
  const night = 'fri 22:00-06:00 1MiB/s';
  const lunch = 'mon 12:00-13:00 unlimited; mon-fri 08:00-18:00 10MiB/s; daily 00:00-24:00 20MiB/s';
  test.each([
    [office, 'mon 07:59', 0],
    [office, 'mon 08:00', 100],
    [office, 'fri 17:59', 100],
    [office, 'fri 18:00', 0],
    [office, 'sat 12:00', 0],
    [night, 'fri 21:59', 0],
    [night, 'fri 22:00', 1],
    [night, 'fri 23:59', 1],
    [night, 'sat 00:00', 1],
    [night, 'sat 05:59', 1],
    [night, 'sat 06:00', 0],
    [night, 'fri 05:00', 0],
    ['sat 23:00-01:00 1MiB/s', 'sun 00:30', 1],
    [lunch, 'mon 12:30', 0],
    [lunch, 'tue 12:30', 10],
    [lunch, 'tue 19:00', 20],
    ['sat-mon 00:00-24:00 5MiB/s', 'sun 23:59', 5],
    ['sat-mon 00:00-24:00 5MiB/s', 'tue 00:00', 0],
    ['MON,Wed-Thu 9:00 - 10:00 5 MiB/s;', 'thu 09:30', 5],
    ['daily 23:00-24:00 5MiB/s', 'mon 23:59', 5],
    ['daily 23:00-24:00 5MiB/s', 'mon 00:00', 0],
    ['daily 23:00-00:00 5MiB/s', 'mon 00:00', 0],
  ])('%s at %s: %d MiB/s', (text, time, mebibytes) => {
    expect(limitAt(parseRateTimetable(text), at(time))).toBe(mebibytes * MIB);
  });
});

describe('what is wrong is named', () => {
  test.each([
    ['', /entry 1 is empty: an entry is days, a span/],
    ['mon 08:00-18:00', /entry 1 "mon 08:00-18:00": an entry is/],
    ['moon 08:00-18:00 1MiB/s', /"moon" is no day; write mon, tue/],
    ['mon-wed-fri 08:00-18:00 1MiB/s', /"mon-wed-fri" is no range/],
    ['mon 08:00-24:01 1MiB/s', /"24:01" is no time of day/],
    ['mon 8-18 1MiB/s', /"8" is no time of day/],
    ['mon 08:60-09:00 1MiB/s', /"08:60" is no time/],
    ['mon 08:00-08:00 1MiB/s', /no length; a whole day is 00:00-24:00/],
    ['mon 24:00-08:00 1MiB/s', /cannot begin at 24:00/],
    ['mon 08:00-18:00 fast', /"fast" is no rate; write 100MiB\/s/],
    ['mon 08:00-18:00 100Mbit/s', /"100Mbit\/s" is no rate/],
    ['mon 08:00-18:00 1MiB/s; ; tue 08:00-18:00 1MiB/s', /entry 2 is empty/],
    ['mon 08:00-18:00 1MiB/s; tue', /entry 2 "tue"/],
  ])('%j', (text, message) => {
    expect(() => parseRateTimetable(text)).toThrow(TimetableError);
    expect(() => parseRateTimetable(text)).toThrow(message);
  });

  test('no text crashes it', () => {
    const words = fc.constantFrom(
      'mon',
      '-',
      'fri',
      ' ',
      '08:00',
      '24:00',
      ';',
      ',',
      '1MiB/s',
      'x',
      'daily',
      '0',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
        try {
          parseRateTimetable(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(TimetableError);
        }
      }),
    );
  });
});

test('a span holds for as many minutes of the week as it is long, on each of its days', () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  fc.assert(
    fc.property(fc.subarray(days, { minLength: 1 }), minute, minute, (chosen, from, to) => {
      fc.pre(from !== to);
      const clock = (value: number) => `${Math.floor(value / 60)}:${String(value % 60).padStart(2, '0')}`;
      const table = parseRateTimetable(`${chosen.join(',')} ${clock(from)}-${clock(to)} 7B/s`);
      let held = 0;
      for (let weekday = 0; weekday < 7; weekday += 1)
        for (let now = 0; now < 1440; now += 1) if (limitAt(table, { weekday, minute: now }) === 7) held += 1;
      const length = (to - from + 1440) % 1440;
      expect(held).toBe(chosen.length * length);
    }),
    { numRuns: 50 },
  );
});
