import { describe, expect, test } from 'vitest';
import { frameTypes } from '../../../../services/compute-agent/mover/protocol.ts';
import {
  FurtherStreams,
  type Stream,
} from '../../../../services/compute-agent/mover/sender/further-streams.ts';
import type { ReceiverLink } from '../../../../services/compute-agent/mover/sender/receiver-link.ts';

/** A connection whose other side answers, or is found to be gone, when it is told to. */
class Link {
  readonly #answer = Promise.withResolvers<{ readonly type: number }>();
  destroyed = false;
  readonly connection = { end: () => this.#answer.resolve({ type: frameTypes.ready }) };

  next(): Promise<{ readonly type: number }> {
    return this.#answer.promise;
  }

  break(): void {
    this.#answer.reject(new Error('the connection broke'));
  }

  destroy(): void {
    this.destroyed = true;
    this.break();
  }
}

function streams(send: (stream: Stream) => Promise<void>) {
  const links: Link[] = [];
  const broken: number[] = [];
  const waiting: (() => void)[] = [];
  const further = new FurtherStreams({
    open: () => {
      const link = new Link();
      links.push(link);
      // Of a link no more than this is needed.
      return Promise.resolve(link as unknown as ReceiverLink);
    },
    send,
    onBroken: (number) => {
      broken.push(number);
      for (const wake of waiting.splice(0)) wake();
    },
    onRefused: () => undefined,
    onFailure: (error) => expect.unreachable(String(error)),
  });
  return {
    further,
    links,
    broken,
    brokenOnce: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('further streams', () => {
  test('one that breaks is told at once: what it has begun may wait for the room that it takes', async () => {
    const opened = streams(() => opened.brokenOnce());
    opened.further.want(1);
    await turn();
    opened.links[0]?.break();
    await turn();
    expect(opened.links[0]?.destroyed).toBe(true);
    // The second time for what it had begun meanwhile.
    expect(opened.broken.slice(0, 2)).toEqual([1, 1]);
    await opened.further.close();
  });

  test('ended waits for one that was made again meanwhile', async () => {
    const sends: { readonly number: number; readonly done: () => void }[] = [];
    const opened = streams(
      ({ number }) => new Promise<void>((resolve) => sends.push({ number, done: resolve })),
    );
    opened.further.want(2);
    await turn();
    let ended = false;
    const all = opened.further.ended().then(() => (ended = true));
    const [first, second] = sends;
    // The first breaks, and comes again before the second is done.
    opened.links[0]?.break();
    first?.done();
    await turn();
    expect(sends).toHaveLength(3);
    second?.done();
    await turn();
    expect(ended).toBe(false);
    sends[2]?.done();
    await all;
    expect(opened.broken).toContain(1);
    await opened.further.close();
  });
});
