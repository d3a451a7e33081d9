import type { ProcessIdentity } from './process-identity.ts';

/** A process that does one thing at a time for its agent. */
export interface PooledWorker {
  readonly identity: ProcessIdentity;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly alive: boolean;
  kill(): Promise<void>;
  /** Lets go of it: it finishes what it does and ends. */
  release(): void;
}

/** A worker has ended before it was ready. */
export interface StartFailure {
  readonly pid: number;
  /** So many in a row, this one included. */
  readonly failed_starts: number;
  readonly next_start_seconds: number;
}

/** A worker is replaced after so much work: whatever it may have leaked goes with it. */
const USES_MAX = 500;
/**
 * When no worker has come free for this long, another one is started: short transfers share few processes, long
 * ones do not wait. Not a time for each who waits: when many come at once, their workers would all start at once
 * and take the processor from the few that are about to be done.
 */
const PATIENCE_SECONDS = 1;
/** Workers beyond those that are kept ready stay this long without work: what came at once often comes again. */
const SPARE_SECONDS = 30;

/** A worker that has ended is replaced after this time, unless somebody needs one before. */
const REPLACE_SECONDS = 1;
/** After workers that could not even start the wait doubles with each, up to this; whoever needs one waits as long. */
const REPLACE_SECONDS_MAX = 60;

/** Workers that are started before they are needed: starting one takes longer than receiving a small disk. */
export class WorkerPool<Worker extends PooledWorker> {
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #uses = new WeakMap<Worker, number>();
  readonly #waiting: ((worker: Worker) => void)[] = [];
  readonly #idle_max: number;
  readonly #create: () => Worker;
  #starting = 0;
  #patience: NodeJS.Timeout | null = null;
  #sparing: NodeJS.Timeout | null = null;
  #closed = false;
  /** Workers in a row that have ended before they were ready. */
  #failed_starts = 0;
  #replacing: NodeJS.Timeout | null = null;
  readonly #onStartFailed: (failure: StartFailure) => void;

  /**
   * @param options.idle_max workers that are kept ready
   * @param options.onStartFailed hears of each worker that has ended before it was ready
   */
  constructor(options: {
    readonly idle_max: number;
    readonly create: () => Worker;
    readonly onStartFailed?: (failure: StartFailure) => void;
  }) {
    this.#idle_max = options.idle_max;
    this.#create = options.create;
    this.#onStartFailed = options.onStartFailed ?? (() => undefined);
  }

  /** Starts the workers that are kept ready. */
  warm(): void {
    // While they fail, one shows as well as many whether they start again.
    const wanted = this.#failed_starts > 0 ? 1 : this.#idle_max;
    while (!this.#closed && this.#replacing === null && this.#all.size < wanted) this.#start();
  }

  get pids(): readonly number[] {
    return [...this.#all].map(({ identity }) => identity.pid);
  }

  /** A worker for one use; given back with `recycle`, or `discard` when its state is in doubt. */
  take(): Promise<Worker> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      // One whose end nobody here has heard of yet.
      if (idle.alive) return Promise.resolve(idle);
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#failed_starts === 0 && this.#all.size < this.#idle_max) this.#start();
      else this.#bePatient();
    });
  }

  /** One start at a time, each after the patience; a worker that comes free begins it anew. */
  #bePatient(): void {
    if (this.#patience !== null || this.#starting > 0 || this.#waiting.length === 0) return;
    // Those that wait are served by the next start that is due.
    if (this.#replacing !== null && this.#failed_starts > 0) return;
    this.#patience = setTimeout(() => {
      this.#patience = null;
      if (this.#waiting.length > 0) this.#start();
    }, PATIENCE_SECONDS * 1000);
  }

  #start(): void {
    if (this.#closed) return;
    const worker = this.#create();
    this.#add(worker);
    this.#starting += 1;
    void worker.ready.then(() => {
      this.#starting -= 1;
      if (worker.alive) this.#failed_starts = 0;
      else this.#noteFailedStart(worker);
      this.#offer(worker);
      this.#bePatient();
    });
  }

  #add(worker: Worker): void {
    this.#all.add(worker);
    void worker.ended.then(() => this.#forget(worker));
  }

  #offer(worker: Worker): void {
    if (!worker.alive) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting(worker);
    if (this.#closed) return worker.release();
    this.#idle.push(worker);
    if (this.#idle.length <= this.#idle_max || this.#sparing !== null) return;
    this.#sparing = setTimeout(() => this.#spare(), SPARE_SECONDS * 1000).unref();
  }

  /** Lets go of the workers that had nothing to do since some were too many. */
  #spare(): void {
    this.#sparing = null;
    // The last ones are taken first, so the first ones have waited longest.
    const spare = this.#idle.splice(0, Math.max(this.#idle.length - this.#idle_max, 0));
    for (const worker of spare) worker.release();
  }

  #forget(worker: Worker): void {
    this.#all.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#replaceLater();
  }

  #noteFailedStart(worker: Worker): void {
    if (this.#closed) return;
    this.#failed_starts += 1;
    if (this.#replacing !== null) clearTimeout(this.#replacing);
    this.#replacing = null;
    this.#replaceLater();
    this.#onStartFailed({
      pid: worker.identity.pid,
      failed_starts: this.#failed_starts,
      next_start_seconds: this.#replaceSeconds(),
    });
  }

  /** Not at once: one that cannot even start would be started for ever. */
  #replaceLater(): void {
    if (this.#closed || this.#replacing !== null) return;
    this.#replacing = setTimeout(() => {
      this.#replacing = null;
      this.warm();
      // Who waits has been patient.
      const due = this.#failed_starts > 0 && this.#starting === 0 && this.#waiting.length > 0;
      if (due) this.#start();
      else this.#bePatient();
    }, this.#replaceSeconds() * 1000).unref();
  }

  #replaceSeconds(): number {
    return Math.min(REPLACE_SECONDS * 2 ** Math.max(this.#failed_starts - 1, 0), REPLACE_SECONDS_MAX);
  }

  recycle(worker: Worker): void {
    // One that an earlier agent had started is ours from now on.
    if (worker.alive && !this.#all.has(worker)) this.#add(worker);
    const uses = (this.#uses.get(worker) ?? 0) + 1;
    this.#uses.set(worker, uses);
    if (uses >= USES_MAX) worker.release();
    else this.#offer(worker);
    // Somebody was served: who still waits has reason to go on waiting.
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
    this.#bePatient();
  }

  async discard(worker: Worker): Promise<void> {
    await worker.kill();
  }

  /** Idle workers end; busy ones finish and end. */
  async close(): Promise<void> {
    this.#closed = true;
    const idle = this.#idle.splice(0);
    for (const worker of this.#all) worker.release();
    await Promise.all(idle.map((worker) => worker.ended));
  }
}
