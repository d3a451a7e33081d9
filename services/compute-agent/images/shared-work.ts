import type { InstanceId } from '../../../shared/domain/ids.ts';

/** Who wants a piece of long work done: a command has this form. */
export interface Asker {
  /** Aborted when nobody waits for this asker's result any more. */
  readonly signal: AbortSignal;
  /** Called often while the work really goes on, so that a sender does not take silence for death. */
  readonly atWork: () => void;
  /** For whose disks; nothing: for several, or for nobody's. */
  readonly instance_id?: InstanceId;
}

interface Running<Result> {
  readonly result: Promise<Result>;
  readonly askers: Set<Asker>;
  readonly abort: AbortController;
  giving_up: NodeJS.Timeout | null;
}

/** A command that is sent again interrupts the one before it: long enough that it finds the work still running. */
const UNWANTED_MILLISECONDS_MAX = 1000;
const SIGN_MILLISECONDS = 1000;

/**
 * Long work that several may want at once and that is done once. Each asker may leave at any time; the work itself
 * is aborted when nobody has wanted it for a second.
 */
export class SharedWork<Result> {
  readonly #running = new Map<string, Running<Result>>();

  /**
   * Joins the work of that name, or begins it. `work` gets one asker that stands for all who want it.
   * @throws the reason of `asker.signal` as soon as it is aborted; whatever the work throws
   */
  async join(key: string, asker: Asker, work: (all: Asker) => Promise<Result>): Promise<Result> {
    asker.signal.throwIfAborted();
    const running = this.#running.get(key) ?? this.#begin(key, work);
    if (running.giving_up !== null) clearTimeout(running.giving_up);
    running.giving_up = null;
    // An object of its own: one asker may join twice.
    const here: Asker = { signal: asker.signal, atWork: asker.atWork };
    running.askers.add(here);
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(asker.signal.reason);
    asker.signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([running.result, left.promise]);
    } finally {
      asker.signal.removeEventListener('abort', leave);
      running.askers.delete(here);
      if (running.askers.size === 0 && this.#running.get(key) === running)
        running.giving_up = setTimeout(() => this.#giveUp(key, running), UNWANTED_MILLISECONDS_MAX);
    }
  }

  #begin(key: string, work: (all: Asker) => Promise<Result>): Running<Result> {
    const askers = new Set<Asker>();
    const abort = new AbortController();
    const all: Asker = {
      signal: abort.signal,
      atWork: () => {
        for (const asker of askers) asker.atWork();
      },
    };
    const result = work(all).finally(() => this.#forget(key, running));
    const running: Running<Result> = { result, askers, abort, giving_up: null };
    this.#running.set(key, running);
    return running;
  }

  /** Who asks from now on begins anew: what is aborted cannot be joined. */
  #giveUp(key: string, running: Running<Result>): void {
    this.#forget(key, running);
    running.abort.abort(new Error('nobody wants it any more'));
  }

  #forget(key: string, running: Running<Result>): void {
    if (running.giving_up !== null) clearTimeout(running.giving_up);
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}

/** Says `atWork` while something runs that cannot say it itself. */
export async function sayingAtWork<Result>(asker: Asker, work: Promise<Result>): Promise<Result> {
  const timer = setInterval(asker.atWork, SIGN_MILLISECONDS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
