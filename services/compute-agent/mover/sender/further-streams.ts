import { SpillFailure } from '../disks/spill-file.ts';
import { frameTypes, ProtocolError } from '../protocol.ts';
import { SourceReadFailure } from './read-ahead.ts';
import { RemoteFailure, type ReceiverLink } from './receiver-link.ts';

/** How often a connection is made in all, when it cannot be or breaks. */
const ATTEMPTS = 3;

/** One connection of a session. */
export interface Stream {
  /** Of all that the session has had: 0 leads, and none gets the number of one before it. */
  readonly number: number;
  readonly link: ReceiverLink;
  /** True: it is to send no more than what it has begun with. */
  readonly isRetired: () => boolean;
}

export interface FurtherStreamsOptions {
  /** @param place in the session, from 1 on: what the receiver knows it by. Another one may have had it before. */
  readonly open: (place: number) => Promise<ReceiverLink>;
  /** Sends over a stream until nothing is left to send, or it is retired. */
  readonly send: (stream: Stream) => Promise<void>;
  /** A stream broke: what it has sent may not have arrived. Told again when it has given up what it had begun. */
  readonly onBroken: (number: number) => void;
  /** The stream at this place could not be made, or broke, each time. It is done without. */
  readonly onRefused: (place: number) => void;
  /** Something that no other stream would make good. */
  readonly onFailure: (error: unknown) => void;
}

/** Somebody sees to it that there is a stream here. */
interface Place {
  retired: boolean;
}

/**
 * The connections of a session beside the leading one, as many as are wanted at the moment. They send extents, no more;
 * one that breaks is done without. One that is not wanted any more sends what it has begun, ends, and hears that all was
 * taken: nothing is lost, and nothing is sent again.
 */
export class FurtherStreams {
  readonly #options: FurtherStreamsOptions;
  readonly #places = new Map<number, Place>();
  /** Given up after all attempts, until fewer are wanted. */
  readonly #refused = new Set<number>();
  readonly #working = new Map<ReceiverLink, Promise<void>>();
  #wanted = 0;
  #numbers = 0;
  /** No more are made: all is sent, or the session is over. */
  #over = false;

  constructor(options: FurtherStreamsOptions) {
    this.#options = options;
  }

  /** Those that are there. */
  get count(): number {
    return this.#working.size;
  }

  /** How many there should be from now on. Says nothing about when. */
  want(count: number): void {
    this.#wanted = count;
    for (const [number, place] of this.#places) if (number > count) place.retired = true;
    for (const number of this.#refused) if (number > count) this.#refused.delete(number);
    for (let number = 1; number <= count; number += 1) this.#ensure(number);
  }

  #ensure(number: number): void {
    // One that is retired is not called back: it ends, and another one follows.
    if (this.#over || this.#places.has(number) || this.#refused.has(number)) return;
    const place = { retired: false };
    this.#places.set(number, place);
    void this.#keep(number, place).finally(() => {
      this.#places.delete(number);
      if (number <= this.#wanted) this.#ensure(number);
    });
  }

  /** Resolves when all have sent their last extent and it was taken, or broke. One that is being opened is not waited for. */
  async ended(): Promise<void> {
    // One that breaks meanwhile is made again, and takes what is left to send.
    while (this.#working.size > 0) await Promise.all(this.#working.values());
  }

  async close(): Promise<void> {
    this.#over = true;
    for (const link of this.#working.keys()) link.destroy();
    await this.ended();
  }

  async #keep(number: number, place: Place): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      if (this.#over || place.retired) return;
      // That it cannot be made is no failure: the leading one does.
      const link = await this.#options.open(number).catch(() => null);
      if (link === null) continue;
      if (this.#over || place.retired) return link.destroy();
      if (await this.#work(link, place)) return;
    }
    this.#refused.add(number);
    this.#options.onRefused(number);
  }

  /** @returns false when it broke */
  async #work(link: ReceiverLink, place: Place): Promise<boolean> {
    this.#numbers += 1;
    const working = this.#sendOver({ number: this.#numbers, link, isRetired: () => place.retired });
    this.#working.set(
      link,
      working.then(() => undefined),
    );
    const ended = await working;
    this.#working.delete(link);
    link.destroy();
    // One that ended of itself has found nothing more to send.
    if (ended && !place.retired) this.#over = true;
    return ended;
  }

  /** @returns false when the stream broke */
  async #sendOver(stream: Stream): Promise<boolean> {
    const { number, link } = stream;
    // There is one answer, at the end. It is listened for all the time: that is how a break is noticed.
    const answer = link.next();
    answer.catch(() => {
      link.destroy();
      // At once: what it has sent may fill the window, and what it has begun waits for room in it.
      this.#options.onBroken(number);
    });
    try {
      await this.#options.send(stream);
      link.connection.end();
      const { type } = await answer;
      if (type !== frameTypes.ready) throw new ProtocolError(`type ${type} at the end of a stream`);
      return true;
    } catch (error) {
      link.destroy();
      const reasons = [error, await answer.catch((heard: unknown) => heard)];
      const refusal = reasons.find(endsOthersToo);
      if (refusal !== undefined) this.#options.onFailure(refusal);
      this.#options.onBroken(number);
      return false;
    }
  }
}

/** What is not about one connection. */
const endsOthersToo = (reason: unknown): boolean =>
  reason instanceof RemoteFailure ||
  reason instanceof ProtocolError ||
  reason instanceof SourceReadFailure ||
  reason instanceof SpillFailure;
