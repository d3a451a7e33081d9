import { OptionValueError, type Option } from './option.ts';
import { parseRateTimetable, TimetableError, type RateTimetable } from './rate-timetable.ts';

const ALLOWED = 'days, times and rates such as "mon-fri 08:00-18:00 100MiB/s; sat,sun 00:00-24:00 unlimited"';

/** Rates by day and time (rate-timetable.ts). Unset: an empty timetable. */
export function timetable(declared: { readonly help: string }): Option<RateTimetable> {
  return {
    type: 'timetable',
    default_text: '',
    computed: null,
    repeats: false,
    secret: false,
    allowed: ALLOWED,
    unit: null,
    help: declared.help,
    parse: (texts) => parse((texts.at(-1) ?? '').trim()),
    check: (value) => value,
  };
}

function parse(text: string): RateTimetable {
  if (text === '') return [];
  try {
    return parseRateTimetable(text);
  } catch (error) {
    if (!(error instanceof TimetableError)) throw error;
    throw new OptionValueError(`${ALLOWED}: ${error.message}`, { cause: error });
  }
}

/** An IANA time zone (`Europe/Berlin`); null: the one of the machine. */
export function timeZone(declared: { readonly help: string }): Option<string | null> {
  const allowed = 'an IANA time zone such as Europe/Berlin or UTC';
  const check = (name: string | null): string | null => {
    if (name === null || name === '') return null;
    try {
      return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
    } catch {
      throw new OptionValueError(allowed);
    }
  };
  return {
    type: 'string',
    default_text: null,
    computed: null,
    repeats: false,
    secret: false,
    allowed,
    unit: null,
    help: declared.help,
    parse: (texts) => check((texts.at(-1) ?? '').trim()),
    check,
  };
}
