import { cpus } from 'node:os';

/** Looked at no more often: the kernel counts in ticks of 10 ms. */
const LOOK_SECONDS = 0.25;

interface Look {
  readonly at: number;
  readonly idle: number;
  readonly total: number;
}

/** How many of the host's cores had nothing to do lately, whoever kept the others busy. */
export class IdleCores {
  #last: Look = look();
  #cores = 0;

  /** 0 until there is something to compare with. */
  now(): number {
    if (performance.now() - this.#last.at < LOOK_SECONDS * 1000) return this.#cores;
    const next = look();
    const passed = next.total - this.#last.total;
    if (passed > 0) this.#cores = ((next.idle - this.#last.idle) / passed) * cpus().length;
    this.#last = next;
    return this.#cores;
  }
}

function look(): Look {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { at: performance.now(), idle, total };
}
