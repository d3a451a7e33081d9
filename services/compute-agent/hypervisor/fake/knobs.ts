import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostName } from '../../../../shared/domain/ids.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';

/** Command → number: seconds for `delay`, which one for `hold_from`, how often for the others (`Infinity`: always). */
export type PerCommand = Readonly<Record<string, number>>;

/** How a simulated host misbehaves. */
export interface Knobs {
  /** Seconds that a command takes longer. */
  readonly delay: PerCommand;
  /**
   * The n-th of an operation, and those after it, wait before they do anything until this is raised or taken away. For
   * tests that reach into a host between two steps: a delay would be a race with what is done meanwhile.
   */
  readonly hold_from: PerCommand;
  /** Fails before anything is done. */
  readonly fail: PerCommand;
  /** Fails after everything is done: what a crash before the answer looks like. */
  readonly fail_after: PerCommand;
  /** Never ends, until a newer command of the operation takes its place. */
  readonly hang: PerCommand;
  /** Does the work and says nothing. */
  readonly lose_reply: PerCommand;
  readonly boot_delay_seconds: number;
  readonly stop_delay_seconds: number;
  readonly guest_write_bytes_per_second: number;
}

export const calmKnobs: Knobs = {
  delay: {},
  hold_from: {},
  fail: {},
  fail_after: {},
  hang: {},
  lose_reply: {},
  boot_delay_seconds: 0,
  stop_delay_seconds: 0,
  guest_write_bytes_per_second: 0,
};

const counted = ['fail', 'fail_after', 'hang', 'lose_reply'] as const;
type Counted = (typeof counted)[number];

/** How often a held command looks whether it may go on. */
const HOLD_READ_MILLISECONDS = 50;

/**
 * Reads option values like `adopt=2` or `adopt`.
 * @param fallback what a name without a number means
 * @throws TypeError naming the value that is wrong
 */
export function parsePerCommand(
  values: readonly string[],
  commands: readonly string[],
  fallback: number,
): PerCommand {
  return Object.fromEntries(
    values.map((value) => {
      const [, name = '', amount] = /^\s*([a-z_]+)\s*(?:=\s*(\d+(?:\.\d+)?)\s*)?$/.exec(value) ?? [];
      if (!commands.includes(name))
        throw new TypeError(`"${value}" names no command; there are: ${commands.join(', ')}`);
      return [name, amount === undefined ? fallback : Number(amount)];
    }),
  );
}

/**
 * The knobs in force: those of the configuration, and over them those of a file that may change at any time. The
 * file is JSON with the names of `Knobs`; whoever changes it should rename a whole file into its place.
 */
export class KnobBoard {
  readonly #configured: Knobs;
  readonly #file: string | null;
  readonly #host: HostName;
  #current: Knobs;
  #version = '';
  /** How often each counted knob has been used since it was set. */
  readonly #used = new Map<string, number>();
  /** Operation and command → how many of them have come. */
  readonly #come = new Map<string, number>();

  constructor(options: {
    readonly configured: Knobs;
    readonly file: string | null;
    readonly host: HostName;
  }) {
    this.#configured = options.configured;
    this.#current = options.configured;
    this.#file = options.file;
    this.#host = options.host;
  }

  /** Looks whether the file has changed. A file that is half written or wrong changes nothing. */
  async read(): Promise<Knobs> {
    if (this.#file === null) return this.#current;
    const version = versionOf(this.#file);
    if (version === this.#version) return this.#current;
    const read = version === '' ? {} : await readKnobs(this.#file);
    if (read === null) return this.#current;
    this.#version = version;
    this.#current = { ...this.#configured, ...read };
    this.#used.clear();
    return this.#current;
  }

  /** Misbehaves before a command of an operation as it was told to. @throws DroverError fake_failure */
  async before(command: string, operation_id: string, signal: AbortSignal): Promise<void> {
    await this.#hold(command, operation_id, signal);
    const knobs = await this.read();
    const seconds = knobs.delay[command] ?? 0;
    if (seconds > 0) await delay(seconds * 1000, undefined, { signal });
    if (this.#take('hang', command)) await new Promise((_, reject) => onAbort(signal, reject));
    if (this.#take('fail', command)) throw this.#failure(command);
  }

  /** Misbehaves after a command's work. @returns whether the answer is to be kept back. */
  async after(command: string): Promise<'answer' | 'keep silent'> {
    await this.read();
    if (this.#take('fail_after', command)) throw this.#failure(command);
    return this.#take('lose_reply', command) ? 'keep silent' : 'answer';
  }

  /** Counts while the command is one to be held. */
  async #hold(command: string, operation_id: string, signal: AbortSignal): Promise<void> {
    if ((await this.read()).hold_from[command] === undefined) return;
    const key = `${operation_id} ${command}`;
    const number = (this.#come.get(key) ?? 0) + 1;
    this.#come.set(key, number);
    while (number >= ((await this.read()).hold_from[command] ?? Infinity))
      await delay(HOLD_READ_MILLISECONDS, undefined, { signal });
  }

  #take(knob: Counted, command: string): boolean {
    const key = `${knob} ${command}`;
    const used = this.#used.get(key) ?? 0;
    if (used >= (this.#current[knob][command] ?? 0)) return false;
    this.#used.set(key, used + 1);
    return true;
  }

  #failure(command: string): DroverError {
    return new DroverError('fake_failure', { host: this.#host, command });
  }
}

function onAbort(signal: AbortSignal, reject: (reason: unknown) => void): void {
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
}

/** Asked twice for every command, and the answer is mostly "there is none": by far cheapest without a promise or an error. */
function versionOf(file: string): string {
  try {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? '' : `${found.ino} ${found.mtimeNs} ${found.size}`;
  } catch {
    return '';
  }
}

async function readKnobs(file: string): Promise<Partial<Knobs> | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    const given = value as Record<string, unknown>;
    const knobs: Record<string, unknown> = {};
    for (const name of ['delay', 'hold_from', ...counted])
      if (given[name] !== undefined) {
        const numbers = perCommand(given[name]);
        if (numbers === null) return null;
        knobs[name] = numbers;
      }
    for (const name of ['boot_delay_seconds', 'stop_delay_seconds', 'guest_write_bytes_per_second'])
      if (typeof given[name] === 'number' && given[name] >= 0) knobs[name] = given[name];
    return knobs;
  } catch {
    return null;
  }
}

/** `true` stands for "always": JSON has no Infinity. */
function perCommand(value: unknown): PerCommand | null {
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value).map(
    ([name, amount]) => [name, amount === true ? Infinity : amount] as const,
  );
  return entries.every(([, amount]) => typeof amount === 'number')
    ? (Object.fromEntries(entries) as PerCommand)
    : null;
}
