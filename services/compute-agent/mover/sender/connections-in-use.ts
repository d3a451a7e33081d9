import type { Transfer } from '../mover.ts';
import { ConnectionsJudge } from './connections-judge.ts';
import type { PackingStep } from './packing-levels.ts';

/** A round with less to send is over before more connections would pay. */
const WORTH_MORE_CONNECTIONS_BYTES = 32 * 1024 * 1024;

/** What tells time, and how busy the thread is that serves the connections; tests bring their own. */
export interface ConnectionsHost {
  now_milliseconds(): number;
  /** So far. */
  busy_milliseconds(): number;
}

const thisHost: ConnectionsHost = {
  now_milliseconds: () => performance.now(),
  busy_milliseconds: () => performance.eventLoopUtilization().active,
};

/** An extent was put on the wire by one connection. */
export interface PutExtent {
  /** Connections that are there, the leading one among them. */
  readonly open: number;
  readonly packing: PackingStep;
  /** Its length before it was packed. */
  readonly plain_bytes: number;
  /** Of all disks: not dealt with yet in this round. */
  readonly left_bytes: number;
}

/** What says how many connections a transfer uses. */
export type ConnectionCount = Pick<
  ConnectionsInUse,
  'most' | 'wanted' | 'open' | 'beginSession' | 'during' | 'notePut' | 'noteRefused' | 'restart' | 'forget'
>;

/** How many connections a transfer uses. What was found in one session holds for the next. */
export class ConnectionsInUse {
  readonly most: number;
  readonly #judge: ConnectionsJudge;
  readonly #host: ConnectionsHost;
  #open = 1;
  /** That have been given something they have no room for yet. */
  #writing = 0;
  #held_up_milliseconds = 0;
  #reckoned_at: number;
  #put_bytes = 0;
  #plain_bytes = 0;
  #session_bytes = 0;
  #may_be_more = false;

  constructor(
    { connections: most = 1, connections_min: least = 1 }: Pick<Transfer, 'connections' | 'connections_min'>,
    host: ConnectionsHost = thisHost,
  ) {
    this.most = most;
    this.#judge = new ConnectionsJudge({ least, most });
    this.#host = host;
    this.#reckoned_at = this.#host.now_milliseconds();
  }

  /** How many there should be now, the leading one among them. */
  get wanted(): number {
    return this.#may_be_more ? this.#judge.wanted : 1;
  }

  /** Those that are there. */
  get open(): number {
    return this.#open;
  }

  /** A session has begun, over its leading connection alone. */
  beginSession(): void {
    this.#judge.endLook();
    this.#session_bytes = 0;
    // Those that are known to pay are not made for a few extents. Whether others would is measured first, and takes time.
    this.#may_be_more = this.#judge.wanted === 1;
    this.#setOpen(1);
  }

  /** A connection has been given bytes: it is held up until it has taken them. */
  async during(write: Promise<void>, bytes: number): Promise<void> {
    this.#reckon();
    this.#writing += 1;
    try {
      await write;
      this.#put_bytes += bytes;
      this.#session_bytes += bytes;
    } finally {
      this.#reckon();
      this.#writing -= 1;
    }
  }

  notePut({ open, packing, plain_bytes, left_bytes }: PutExtent): void {
    this.#setOpen(open);
    this.#plain_bytes += plain_bytes;
    this.#may_be_more ||= this.#session_bytes >= WORTH_MORE_CONNECTIONS_BYTES;
    if (!this.#may_be_more) return;
    this.#judge.notePut({
      now_milliseconds: this.#host.now_milliseconds(),
      open,
      packing,
      put_bytes: this.#put_bytes,
      plain_bytes: this.#plain_bytes,
      held_up_milliseconds: this.#held_up_milliseconds,
      busy_milliseconds: this.#host.busy_milliseconds(),
      left_bytes,
    });
  }

  /** There can be no more than so many, the leading one among them. */
  noteRefused(count: number): void {
    this.#judge.noteRefused(count);
  }

  /** Nothing was sent for a while. */
  restart(): void {
    this.#judge.restart();
  }

  /** Another limit holds. */
  forget(): void {
    this.#judge.forget();
  }

  #setOpen(open: number): void {
    if (open === this.#open) return;
    this.#reckon();
    this.#open = open;
  }

  #reckon(): void {
    const now = this.#host.now_milliseconds();
    const part = Math.min(this.#writing / this.#open, 1);
    this.#held_up_milliseconds += (now - this.#reckoned_at) * part;
    this.#reckoned_at = now;
  }
}
