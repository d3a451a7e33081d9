import { SpillFailure } from '../disks/spill-file.ts';
import { frameTypes, ProtocolError } from '../protocol.ts';
import { SourceReadFailure } from './read-ahead.ts';
import { RemoteFailure, type ReceiverLink } from './receiver-link.ts';

/** How often a connection is made in all, when it cannot be or breaks. */
const ATTEMPTS = 3;

/** One connection, and its number in the session: 0 leads. */
export interface Stream {
  readonly number: number;
  readonly link: ReceiverLink;
}

export interface FurtherStreamsOptions {
  readonly count: number;
  readonly open: (number: number) => Promise<ReceiverLink>;
  /** Sends over a stream until nothing is left to send. */
  readonly send: (stream: Stream) => Promise<void>;
  /** A stream broke: what it has sent may not have arrived. */
  readonly onBroken: (number: number) => void;
  /** Something that no other stream would make good. */
  readonly onFailure: (error: unknown) => void;
}

/** The connections of a session beside the leading one. They send extents, no more; one that breaks is done without. */
export class FurtherStreams {
  readonly #options: FurtherStreamsOptions;
  readonly #working = new Map<ReceiverLink, Promise<void>>();
  #started = false;
  #over = false;

  constructor(options: FurtherStreamsOptions) {
    this.#options = options;
  }

  /** Those that send now. */
  get count(): number {
    return this.#working.size;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (let number = 1; number <= this.#options.count; number += 1) void this.#keep(number);
  }

  /** Resolves when all have sent their last extent and it was taken, or broke. One that is being opened is not waited for. */
  async ended(): Promise<void> {
    await Promise.all(this.#working.values());
  }

  async close(): Promise<void> {
    this.#over = true;
    for (const link of this.#working.keys()) link.destroy();
    await this.ended();
  }

  async #keep(number: number): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#over; attempt += 1) {
      // That it cannot be made is no failure: the leading one does.
      const link = await this.#options.open(number).catch(() => null);
      if (link === null) continue;
      if (this.#over) return link.destroy();
      const working = this.#work({ number, link });
      this.#working.set(
        link,
        working.then(() => undefined),
      );
      const drained = await working;
      this.#working.delete(link);
      link.destroy();
      if (drained) return;
    }
  }

  /** @returns false when the stream broke */
  async #work(stream: Stream): Promise<boolean> {
    const { number, link } = stream;
    // There is one answer, at the end. It is listened for all the time: that is how a break is noticed.
    const answer = link.next();
    answer.catch(() => link.destroy());
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
