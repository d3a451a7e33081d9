import type { MigrationId } from '../../../../shared/domain/ids.ts';
import { HostLimit, type HostLimitOptions } from '../host-limit.ts';
import type { TransferProgress } from '../../../../shared/messaging/messages.ts';
import type { SenderFigures, Transfer } from '../mover.ts';
import type { SenderProcess } from './sender-process.ts';

/** A sender that has a migration. */
export interface RunningSender {
  readonly worker: SenderProcess;
  /** The transfer's own limit; null: not known. */
  limit_bytes_per_second: number | null;
  paused: boolean;
  /** A pause, or its end, that it was told and has not confirmed yet. */
  told_pause: boolean | null;
  /** It has a share of what the host may send. */
  sending: boolean;
  /** It is at work on a round or a copy: what an order says of its limit and pause comes too late. */
  busy: boolean;
  /** As it has told last. */
  connections: number;
  /** Of its bytes on the wire, those in our figures; null: an earlier agent counted the first ones. */
  counted_bytes: number | null;
}

/** The senders of one host that have something to do, and what each may send: its own limit, or its part of the host's. */
export class RunningSenders {
  readonly #running = new Map<MigrationId, RunningSender>();
  readonly #host_limit: HostLimit;
  #sent_bytes = 0;

  /** @param host_limit all of them together; each that sends gets an equal share */
  constructor(host_limit: HostLimitOptions) {
    this.#host_limit = new HostLimit(host_limit, () => this.#shareLimits());
  }

  get(migration: MigrationId): RunningSender | undefined {
    return this.#running.get(migration);
  }

  /** @param known.counted_bytes of its bytes on the wire, those that were counted before; null: all so far */
  add(
    migration: MigrationId,
    worker: SenderProcess,
    known: Pick<RunningSender, 'limit_bytes_per_second' | 'counted_bytes'>,
  ): RunningSender {
    const running = {
      worker,
      paused: false,
      told_pause: null,
      sending: false,
      busy: false,
      connections: 1,
      ...known,
    };
    this.#running.set(migration, running);
    return running;
  }

  /** Its share is the others' from now on. */
  remove(migration: MigrationId, running: RunningSender): void {
    if (this.#running.get(migration) === running) this.#running.delete(migration);
    this.#shareLimits();
  }

  /** It sends from now on, as its transfer says. */
  begin(running: RunningSender, { limit_bytes_per_second, paused }: Transfer): void {
    running.sending = true;
    running.limit_bytes_per_second = limit_bytes_per_second;
    running.paused = paused ?? false;
    running.told_pause = null;
    this.#shareLimits();
  }

  /** It has told how far it is, whoever set it to work. */
  heard(running: RunningSender, { sent_bytes, paused, connections }: TransferProgress): void {
    this.#count(running, sent_bytes);
    const took_part = takesPart(running);
    running.sending = true;
    running.busy = true;
    running.connections = connections ?? 1;
    // What it said before it heard of a pause is old.
    if (paused !== undefined && (running.told_pause ?? paused) === paused) {
      running.told_pause = null;
      running.paused = paused;
    }
    if (takesPart(running) !== took_part) this.#shareLimits();
  }

  /** It has ended what it did, and nobody has asked for that: its share is the others'. */
  rests(running: RunningSender): void {
    running.busy = false;
    running.sending = false;
    this.#shareLimits();
  }

  limit(running: RunningSender, limit_bytes_per_second: number): void {
    running.limit_bytes_per_second = limit_bytes_per_second;
    this.#shareLimits();
  }

  pause(running: RunningSender, paused: boolean): void {
    running.paused = paused;
    // One that does not send tells nothing that could confirm it.
    running.told_pause = running.busy ? paused : null;
    running.worker.send({ do: 'pause', paused });
    this.#shareLimits();
  }

  /** The smaller of the transfer's own limit and its part of the host's; 0: none. */
  shareOf(running: RunningSender): number {
    const own = running.limit_bytes_per_second ?? 0;
    const { bytes_per_second: together } = this.#host_limit;
    if (together === 0) return own;
    const sending = [...this.#running.values()].filter(takesPart).length;
    const share = Math.max(Math.floor(together / Math.max(sending, 1)), 1);
    return own === 0 ? share : Math.min(own, share);
  }

  #shareLimits(): void {
    for (const running of this.#running.values()) {
      // One whose own limit nobody knows goes on as it does, unless the host has one.
      const is_free = running.limit_bytes_per_second === null && this.#host_limit.bytes_per_second === 0;
      if (!running.sending || is_free) continue;
      running.worker.send({ do: 'limit', limit_bytes_per_second: this.shareOf(running) });
    }
  }

  /** @param sent_bytes on the wire, as the sender counts them since it began */
  #count(running: RunningSender, sent_bytes: number): void {
    this.#sent_bytes += Math.max(sent_bytes - (running.counted_bytes ?? sent_bytes), 0);
    running.counted_bytes = sent_bytes;
  }

  figures(): SenderFigures {
    const sending = [...this.#running.values()].filter((running) => running.sending);
    const paused = sending.filter((running) => running.paused).length;
    return {
      running: sending.length - paused,
      paused,
      connections: sending.reduce((sum, { connections }) => sum + connections, 0),
      sent_bytes: this.#sent_bytes,
      limit_bytes_per_second: this.#host_limit.bytes_per_second,
    };
  }

  /** Lets go of them: those that send go on. */
  close(): void {
    this.#host_limit.close();
    for (const { worker } of this.#running.values()) worker.release();
  }
}

const takesPart = ({ sending, paused }: RunningSender): boolean => sending && !paused;
