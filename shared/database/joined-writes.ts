import type { Writable } from 'node:stream';

/**
 * Makes a stream send what is written in one turn of the event loop together. A pipelined connection writes every
 * statement by itself: each would wake the server and cost both sides a system call, which together is more than
 * what most statements are worth.
 */
export function joinWrites(stream: Writable): void {
  const write = stream.write.bind(stream) as (...values: unknown[]) => boolean;
  let is_corked = false;
  const uncork = (): void => {
    is_corked = false;
    stream.uncork();
  };
  stream.write = (...values: unknown[]): boolean => {
    if (!is_corked) {
      is_corked = true;
      stream.cork();
      // Runs when all promises that this turn has settled are through: they too may have something to send.
      process.nextTick(uncork);
    }
    return write(...values);
  };
}
