import { limitAt, type RateTimetable, type WallTime } from '../../../shared/config/rate-timetable.ts';

/** What all transfers that leave this host may send together, which may depend on the time. */
export interface HostLimitOptions {
  /** 0 or nothing: no limit. */
  readonly bytes_per_second?: number;
  readonly timetable?: RateTimetable;
  /** The time that the timetable means; tests bring their own. */
  readonly wallTime?: () => WallTime;
}

/** A boundary is noticed within this time; a clock that was set is too, as a timer for the boundary would not. */
const LOOK_MILLISECONDS = 500;

/** The host's limit of this moment, and a call when it changes. */
export class HostLimit {
  readonly #fixed: number;
  readonly #timetable: RateTimetable;
  readonly #wallTime: () => WallTime;
  readonly #looking: NodeJS.Timeout | null;
  #current: number;

  /** @param onChange called when the time has changed the limit */
  constructor(options: HostLimitOptions, onChange: () => void) {
    this.#fixed = options.bytes_per_second ?? 0;
    this.#timetable = options.timetable ?? [];
    this.#wallTime = options.wallTime ?? wallClock(null);
    this.#current = this.#reckon();
    this.#looking =
      this.#timetable.length === 0
        ? null
        : setInterval(() => {
            if (this.#look()) onChange();
          }, LOOK_MILLISECONDS).unref();
  }

  /** 0: none. */
  get bytes_per_second(): number {
    return this.#current;
  }

  close(): void {
    if (this.#looking !== null) clearInterval(this.#looking);
  }

  #look(): boolean {
    const before = this.#current;
    this.#current = this.#reckon();
    return this.#current !== before;
  }

  #reckon(): number {
    if (this.#timetable.length === 0) return this.#fixed;
    const limits = [this.#fixed, limitAt(this.#timetable, this.#wallTime())].filter((limit) => limit > 0);
    return limits.length === 0 ? 0 : Math.min(...limits);
  }
}

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** The time of day and weekday in an IANA time zone; null: the machine's. */
export function wallClock(time_zone: string | null, now: () => Date = () => new Date()): () => WallTime {
  const format = new Intl.DateTimeFormat('en-US', {
    ...(time_zone === null ? {} : { timeZone: time_zone }),
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  return () => {
    const parts = new Map(format.formatToParts(now()).map(({ type, value }) => [type, value]));
    return {
      weekday: dayNames.indexOf(parts.get('weekday') ?? ''),
      minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
    };
  };
}
