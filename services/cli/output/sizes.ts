import * as quantities from '../../../shared/config/quantities.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** 75 → "1m15s". */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`;
}

/** "50MiB/s", "50MB/s", "1g", "0" → bytes per second, as in the configuration. @throws RangeError for anything else. */
export function parseRate(text: string): number {
  const rate = quantities.parseRate(text);
  if (rate === null)
    throw new RangeError(`'${text}' is no rate: write 50MiB/s, 1GiB/s, or 0 for no limit (bytes, not bits)`);
  return rate;
}
