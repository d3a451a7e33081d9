/** The two ways Nova writes a time, both UTC (facts document, section 1.1). */

/** `2026-11-21T08:48:25Z`: servers and images. */
export function timeWithZone(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** `2026-11-21T08:48:25.000000`: migrations, services, instance actions, aggregates, launched_at. */
export function timeWithMicroseconds(time: Date): string {
  return `${time.toISOString().slice(0, 23)}000`;
}

export function timeWithZoneOrNull(time: Date | null): string | null {
  return time === null ? null : timeWithZone(time);
}

export function timeWithMicrosecondsOrNull(time: Date | null): string | null {
  return time === null ? null : timeWithMicroseconds(time);
}

/**
 * Reads what Nova's `date-time` accepts in queries: ISO 8601 with `T` or a blank, optional seconds, fraction
 * and zone; without a zone it is UTC. Null for anything else.
 */
export function parseTime(text: string): Date | null {
  const found =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i.exec(
      text,
    );
  if (found === null) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '0', zone = 'Z'] = found;
  const offset =
    zone.toUpperCase() === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.replace(':', '').slice(3).padEnd(2, '0')}`;
  const milliseconds = fraction.padEnd(3, '0').slice(0, 3);
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}${offset}`);
  return Number.isNaN(time.getTime()) ? null : time;
}
