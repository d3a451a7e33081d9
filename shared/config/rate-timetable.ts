import { parseRate } from './quantities.ts';

/**
 * Limits that depend on the time: `mon-fri 08:00-18:00 100MiB/s; sat,sun 00:00-24:00 unlimited`.
 *
 *   timetable = entry *( ";" entry )
 *   entry     = days SP time "-" time SP rate
 *   days      = "daily" | day or first-last *( "," day or first-last )      fri-mon goes over the end of the week
 *   time      = 00:00 … 24:00                                               22:00-06:00 goes on into the next day
 *   rate      = a size per second, "unlimited" or 0 (no limit)
 *
 * The first entry that holds counts, as in a list of firewall rules: exceptions stand before what they are from.
 * When none holds, the timetable limits nothing.
 */
export type RateTimetable = readonly RateEntry[];

export interface RateEntry {
  /** 0 is Sunday, as in JavaScript; the day on which the span begins. */
  readonly weekdays: readonly number[];
  readonly from_minute: number;
  /** Not part of the span. Not larger than `from_minute`: on the next day. */
  readonly to_minute: number;
  /** 0: no limit. */
  readonly bytes_per_second: number;
}

/** What a clock on the wall shows. */
export interface WallTime {
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Since midnight. */
  readonly minute: number;
}

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const DAY_MINUTES = 24 * 60;
const WEEK_DAYS = 7;

/** Says which entry is wrong and how. */
export class TimetableError extends Error {}

/** Reads a timetable. @throws TimetableError */
export function parseRateTimetable(text: string): RateTimetable {
  const entries = text.split(';').map((entry) => entry.trim());
  // One semicolon at the end is a habit, not a mistake.
  if (entries.length > 1 && entries.at(-1) === '') entries.pop();
  return entries.map((entry, index) => {
    try {
      return parseEntry(entry);
    } catch (error) {
      if (!(error instanceof TimetableError)) throw error;
      const found = entry === '' ? 'is empty' : `"${entry}"`;
      throw new TimetableError(`entry ${index + 1} ${found}: ${error.message}`, { cause: error });
    }
  });
}

function parseEntry(entry: string): RateEntry {
  const match = /^(\S+)\s+(\S+)\s*-\s*(\S+)\s+(.+)$/.exec(entry);
  const [, days = '', from = '', to = '', rate = ''] = match ?? [];
  if (match === null) throw new TimetableError('an entry is days, a span of time and a rate');
  const from_minute = parseTime(from);
  const to_minute = parseTime(to);
  if (from_minute === to_minute)
    throw new TimetableError('the span has no length; a whole day is 00:00-24:00');
  if (from_minute === DAY_MINUTES) throw new TimetableError('a span cannot begin at 24:00; write 00:00');
  const bytes_per_second = rate.toLowerCase() === 'unlimited' ? 0 : parseRate(rate);
  if (bytes_per_second === null)
    throw new TimetableError(`"${rate}" is no rate; write 100MiB/s, 1GiB/s, or unlimited`);
  return { weekdays: parseDays(days), from_minute, to_minute, bytes_per_second };
}

function parseDays(text: string): readonly number[] {
  if (text.toLowerCase() === 'daily') return dayNames.map((_name, day) => day);
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-');
    if (more.length > 0) throw new TimetableError(`"${part}" is no range of days; write mon-fri`);
    const end = parseDay(last);
    for (let day = parseDay(first); ; day = (day + 1) % WEEK_DAYS) {
      days.add(day);
      if (day === end) break;
    }
  }
  return [...days].toSorted((a, b) => a - b);
}

function parseDay(text: string): number {
  const day = dayNames.findIndex((name) => name === text.toLowerCase());
  if (day < 0)
    throw new TimetableError(`"${text}" is no day; write mon, tue, wed, thu, fri, sat, sun or daily`);
  return day;
}

function parseTime(text: string): number {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  const minute = Number(match?.[1]) * 60 + Number(match?.[2]);
  if (match === null || Number(match[2]) > 59 || minute > DAY_MINUTES)
    throw new TimetableError(`"${text}" is no time of day; write 00:00 to 24:00`);
  return minute;
}

/** The limit at a time, in bytes per second; 0: none. */
export function limitAt(timetable: RateTimetable, time: WallTime): number {
  return timetable.find((entry) => holds(entry, time))?.bytes_per_second ?? 0;
}

function holds({ weekdays, from_minute, to_minute }: RateEntry, { weekday, minute }: WallTime): boolean {
  const today = weekdays.includes(weekday);
  if (from_minute < to_minute) return today && minute >= from_minute && minute < to_minute;
  const since_yesterday = weekdays.includes((weekday + WEEK_DAYS - 1) % WEEK_DAYS);
  return (today && minute >= from_minute) || (since_yesterday && minute < to_minute);
}
