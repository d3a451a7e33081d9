import { setTimeout as pause } from 'node:timers/promises';

/** Time as a share sees it; tests bring their own. */
export interface ShareClock {
  now_seconds(): number;
  /** Processor time of this process so far, all threads and the kernel's work for it. */
  used_seconds(): number;
  wait(seconds: number): Promise<void>;
}

const processClock: ShareClock = {
  now_seconds: () => performance.now() / 1000,
  used_seconds: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  },
  wait: (seconds) => pause(Math.ceil(seconds * 1000)),
};

/** What may be used at once after a rest. */
const BURST_SECONDS = 0.1;
/**
 * No rest is longer, whatever is owed: the other side would take it for a stall. Only shares far below what one piece of
 * work costs are exceeded so.
 */
const REST_SECONDS_MAX = 5;
/** Timers know no less. */
const WAIT_SECONDS_MIN = 0.001;
/** Other threads go on meanwhile, so what is owed is looked at again. */
const WAIT_SECONDS_MAX = 0.1;

/**
 * Keeps a mover from taking more of its host than it may: guests run there. Who asks for a turn before each piece of
 * work waits until the processor time of the process, in the mean, is within its share.
 *
 * Not by pinning the process to a core: two movers would share one core beside another that is idle, and half a core
 * could not be said. Not by the kernel's control groups: not every host lets an agent make some.
 */
export class CpuShare {
  readonly cores: number;
  readonly #clock: ShareClock;
  #credit_seconds: number;
  #reckoned_at: number;
  #used_seconds: number;
  #resting = 0;

  /** @param cores above zero; Infinity does not limit */
  constructor(cores: number, clock: ShareClock = processClock) {
    this.cores = cores;
    this.#clock = clock;
    this.#credit_seconds = BURST_SECONDS * cores;
    this.#reckoned_at = clock.now_seconds();
    this.#used_seconds = clock.used_seconds();
  }

  /** Whether somebody waits for a turn: silence that is nobody's fault. */
  get resting(): boolean {
    return this.#resting > 0;
  }

  /** Before each piece of work. */
  async turn(): Promise<void> {
    if (this.cores === Infinity) return;
    this.#resting += 1;
    try {
      for (;;) {
        this.#reckon();
        if (this.#credit_seconds >= 0) return;
        const owed_seconds = -this.#credit_seconds / this.cores;
        await this.#clock.wait(Math.min(Math.max(owed_seconds, WAIT_SECONDS_MIN), WAIT_SECONDS_MAX));
      }
    } finally {
      this.#resting -= 1;
    }
  }

  #reckon(): void {
    const now = this.#clock.now_seconds();
    const used_seconds = this.#clock.used_seconds();
    const earned_seconds = (now - this.#reckoned_at) * this.cores;
    const spent_seconds = used_seconds - this.#used_seconds;
    const credit_seconds = this.#credit_seconds + earned_seconds - spent_seconds;
    const most_owed_seconds = REST_SECONDS_MAX * this.cores;
    this.#credit_seconds = Math.max(Math.min(credit_seconds, BURST_SECONDS * this.cores), -most_owed_seconds);
    this.#reckoned_at = now;
    this.#used_seconds = used_seconds;
  }
}

export const unlimitedCpu = new CpuShare(Infinity);

/** How a worker is told its share, among its arguments. */
const ARGUMENT = '--cpu-percent=';

export const cpuArgument = (percent: number): string => `${ARGUMENT}${percent}`;

/** @param arguments_ of a worker; without a share in them nothing is limited */
export function cpuShareIn(arguments_: readonly string[]): CpuShare {
  const told = arguments_.find((argument) => argument.startsWith(ARGUMENT));
  const percent = Number(told?.slice(ARGUMENT.length));
  return percent > 0 ? new CpuShare(percent / 100) : unlimitedCpu;
}
