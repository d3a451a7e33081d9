import { ConnectionsWindow, type ConnectionsSample, type Going } from './connections-window.ts';

/** A connection that was opened finds its pace first, and one that was given up leaves what it has sent on the way. */
const SETTLING_MILLISECONDS = 1000;
/** Logins take turns with others on a busy target. One that takes longer would not be worth it. */
const OPENING_MILLISECONDS_MAX = 30_000;

/** For this part of the time, in the mean over the connections, a connection must have had no room for what was ready. */
const HELD_UP_MIN = 0.7;
/** A thread that is busy for more of the time than this would not serve another connection. */
const BUSY_MAX = 0.7;
/** When less time is left, a login and the measuring are not earned back. */
const LEFT_MILLISECONDS_MIN = 4000;

/** A further connection is a process on the target and takes processor time from guests: it must gain this much. */
const GAIN = 0.15;
/** Of many connections one is a small part of the whole: this part of what it could bring is enough. */
const GAIN_OF_POSSIBLE = 0.6;
/** Of the gain that a connection was taken for, it must still bring this part. */
const HYSTERESIS = 0.6;

/** Until another look at one more, or at one fewer: doubled each time it changed nothing. */
const REST_MILLISECONDS_MIN = 15_000;
const REST_MILLISECONDS_MAX = 600_000;
/** A look takes less than one part of so many of the time. */
const REST_PER_LOOK = 8;

/** So many connections at least, and at most. */
export interface ConnectionsBounds {
  readonly least: number;
  readonly most: number;
}

/**
 * Finds with how many connections a transfer goes fastest, by trying: while the connections are what it waits for, one
 * more is opened, and kept when more leaves with it. Now and then one is done without, and given up for good when as much
 * leaves.
 *
 * Knows no clock: time comes with what it is told.
 */
export class ConnectionsJudge {
  readonly #bounds: ConnectionsBounds;
  #count: number;
  #look: Look | null = null;
  readonly #more = new Rest();
  readonly #fewer = new Rest();
  #settled_at: number | null = null;
  #window: ConnectionsWindow | null = null;
  #forgotten = false;
  #is_refused = false;

  constructor({ least, most }: ConnectionsBounds) {
    this.#bounds = { least: Math.min(least, most), most };
    this.#count = this.#bounds.least;
  }

  /** How many there should be now. */
  get wanted(): number {
    return this.#look?.count ?? this.#count;
  }

  /** How many were found to be worth it. */
  get found(): number {
    return this.#count;
  }

  /** A connection has taken an extent. */
  notePut(sample: ConnectionsSample): void {
    const now = sample.now_milliseconds;
    if (this.#forgotten) {
      this.#forgotten = false;
      for (const rest of [this.#more, this.#fewer]) rest.shorten(now);
    }
    const opening_milliseconds = now - (this.#look?.began_at ?? now);
    const is_open = sample.open === this.wanted;
    if (this.#is_refused || (!is_open && opening_milliseconds > OPENING_MILLISECONDS_MAX))
      return this.#giveUp(now);
    if (!is_open) return this.restart();
    this.#settled_at ??= now + SETTLING_MILLISECONDS;
    if (now < this.#settled_at) return;
    if (this.#window === null) this.#window = new ConnectionsWindow(sample);
    else this.#measure(this.#window, sample);
  }

  #measure(window: ConnectionsWindow, sample: ConnectionsSample): void {
    const now = sample.now_milliseconds;
    const going = window.add(sample);
    if (going !== null) this.#judge(going, now);
    else if (!window.is_over_long) return;
    else if (this.#look === null) this.restart();
    else this.#giveUp(now);
  }

  /** There can be no more than so many: others could not be made, or broke again and again. */
  noteRefused(count: number): void {
    if (count >= this.wanted) return;
    this.#count = Math.min(this.#count, count);
    this.#is_refused = true;
  }

  /** Nothing was on its way for a while: what is measured begins anew. */
  restart(): void {
    this.#settled_at = null;
    this.#window = null;
  }

  /** Another limit holds: what was found is a start, no more, and is looked at soon. */
  forget(): void {
    this.endLook();
    this.#forgotten = true;
  }

  /** What is being tried is not tried to the end. */
  endLook(): void {
    this.#look = null;
    this.#is_refused = false;
    this.restart();
  }

  #giveUp(now: number): void {
    const is_fewer = this.#look !== null && this.#look.count < this.#count;
    const rest = is_fewer ? this.#fewer : this.#more;
    rest.lengthen(now, now - (this.#look?.began_at ?? now));
    this.endLook();
  }

  #judge(going: Going, now: number): void {
    this.#window = null;
    if (this.#look === null) this.#consider(going, now);
    else this.#compare(this.#look, going, now);
  }

  #compare(look: Look, going: Going, now: number): void {
    const cost_milliseconds = now - look.began_at;
    const lower = Math.min(look.count, this.#count);
    const gain = Math.min(GAIN, GAIN_OF_POSSIBLE / lower);
    const is_more = look.count > this.#count;
    const ratio = paceRatio(going, look.before);
    const is_taken = is_more ? ratio >= 1 + gain : ratio * (1 + gain * HYSTERESIS) >= 1;
    const [same_way, way_back] = is_more ? [this.#more, this.#fewer] : [this.#fewer, this.#more];
    this.#look = null;
    if (is_taken) {
      this.#count = look.count;
      // What it came from would be looked at again at once.
      way_back.lengthen(now, cost_milliseconds);
      // There may be more to be had the same way.
      return this.#consider(going, now);
    }
    same_way.lengthen(now, cost_milliseconds);
    // The one that was opened for it has to go, or one to come again.
    this.restart();
  }

  #consider(going: Going, now: number): void {
    const { least, most } = this.#bounds;
    if (going.left_milliseconds < LEFT_MILLISECONDS_MIN) return;
    const may_help = going.held_up >= HELD_UP_MIN && going.busy <= BUSY_MAX;
    if (may_help && this.#count < most && this.#more.isOver(now)) this.#lookAt(this.#count + 1, going, now);
    else if (this.#count > least && this.#fewer.isOver(now)) this.#lookAt(this.#count - 1, going, now);
  }

  #lookAt(count: number, before: Going, began_at: number): void {
    this.#look = { count, before, began_at };
    this.#is_refused = false;
    this.restart();
  }
}

/** A trial of one connection more, or one fewer. */
interface Look {
  readonly count: number;
  readonly before: Going;
  readonly began_at: number;
}

/**
 * Bytes on the wire, if they were packed in the same way: what a disk holds here may pack better than what it held
 * before, and the connections have no part in that. If not, the way of packing has followed the connections.
 */
const paceRatio = (now: Going, before: Going): number =>
  now.packing === before.packing ? now.wire_pace / before.wire_pace : now.plain_pace / before.plain_pace;

/** When a way is looked at again. */
class Rest {
  #over_at = 0;
  #next_milliseconds = REST_MILLISECONDS_MIN;
  #least_milliseconds = REST_MILLISECONDS_MIN;

  isOver(now: number): boolean {
    return now >= this.#over_at;
  }

  /** @param cost_milliseconds what the look took */
  lengthen(now: number, cost_milliseconds: number): void {
    this.#least_milliseconds = Math.max(REST_MILLISECONDS_MIN, cost_milliseconds * REST_PER_LOOK);
    const rest_milliseconds = Math.max(this.#next_milliseconds, this.#least_milliseconds);
    this.#over_at = now + Math.min(rest_milliseconds, REST_MILLISECONDS_MAX);
    this.#next_milliseconds = Math.min(this.#next_milliseconds * 2, REST_MILLISECONDS_MAX);
  }

  /** As after the first look. */
  shorten(now: number): void {
    this.#over_at = Math.min(this.#over_at, now + this.#least_milliseconds);
    this.#next_milliseconds = REST_MILLISECONDS_MIN;
  }
}
