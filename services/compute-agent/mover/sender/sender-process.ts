import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../../../../shared/process/node-flags.ts';
import { cpuArgument } from '../cpu-share.ts';
import { spillArgument } from '../disks/spill-file.ts';
import { identityOf, isRunning, killIfOurs, untilGone, type ProcessIdentity } from '../process-identity.ts';
import { workerEnvironment } from '../worker-environment.ts';
import { onLines, sendLine, type SenderReport, type SenderRequest } from './worker-messages.ts';

export const SENDER_MARK = '--drover-sender';
/** One that takes our connection and says nothing for so long hangs. */
const FIRST_WORD_SECONDS_MAX = 10;

/** A sender worker, seen from its agent: one that it started, or one that an agent before it had started. */
export class SenderProcess {
  readonly identity: ProcessIdentity;
  readonly socket_path: string;
  /** It has told what it does, or it has ended. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  #socket: Socket | null = null;
  #listener: ((report: SenderReport) => void) | null = null;
  /** What came before there was anybody to hear it. */
  #unheard: SenderReport[] = [];
  alive = true;
  readonly #hasEnded: () => void;

  private constructor(identity: ProcessIdentity, socket_path: string, reachable: Promise<void>) {
    this.identity = identity;
    this.socket_path = socket_path;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#hasEnded = resolve;
    const connected = reachable.then(() => this.#connect());
    // A worker that cannot be reached has ended, as far as anybody can tell.
    this.ready = Promise.race([connected.catch(() => this.#end()), this.ended]);
  }

  /**
   * @param cpu_percent what it may take of the host; 100: one core
   * @param spill_folder for what it remembers of large disks; nothing: it has none
   */
  static start(sockets_folder: string, cpu_percent: number, spill_folder?: string): SenderProcess {
    const socket_path = join(sockets_folder, randomBytes(6).toString('hex'));
    const entry = fileURLToPath(new URL('./worker.ts', import.meta.url));
    const spill = spill_folder === undefined ? [] : [spillArgument(spill_folder)];
    const own = [SENDER_MARK, cpuArgument(cpu_percent), ...spill, socket_path];
    const arguments_ = [...NODE_FLAGS, entry, ...own];
    // A session of its own: a signal to the agent's group is not for a transfer that runs.
    const child = spawn(process.execPath, arguments_, {
      env: workerEnvironment(),
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.unref();
    const { promise: reachable, resolve, reject } = Promise.withResolvers<void>();
    reachable.catch(() => undefined);
    child.stdout.once('data', () => {
      child.stdout.destroy();
      resolve();
    });
    const { pid } = child;
    const identity = (pid === undefined ? null : identityOf(pid)) ?? { pid: pid ?? -1, start_ticks: -1 };
    const started = new SenderProcess(identity, socket_path, reachable);
    const end = (): void => {
      reject(new Error('the worker ended before it was ready'));
      started.#end();
    };
    child.once('exit', end);
    child.once('error', end);
    return started;
  }

  /** A worker of an earlier agent. `ready` resolves at once when it has ended since. */
  static adopt(identity: ProcessIdentity, socket_path: string): SenderProcess {
    const running = isRunning(identity);
    return new SenderProcess(
      identity,
      socket_path,
      running ? Promise.resolve() : Promise.reject(new Error('ended')),
    );
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.socket_path);
      this.#socket = socket;
      const silent = setTimeout(() => socket.destroy(), FIRST_WORD_SECONDS_MAX * 1000).unref();
      socket.on('error', reject);
      onLines(socket, (message) => {
        clearTimeout(silent);
        const report = message as SenderReport;
        if (report.is !== 'resting') this.#hear(report);
        resolve();
      });
      socket.once('close', () => {
        clearTimeout(silent);
        this.#end();
      });
      socket.unref();
    });
  }

  #hear(report: SenderReport): void {
    if (this.#listener === null) this.#unheard.push(report);
    else this.#listener(report);
  }

  #end(): void {
    this.alive = false;
    this.#hasEnded();
  }

  /** Who hears what the worker reports; one at a time. */
  listen(listener: (report: SenderReport) => void): void {
    this.#listener = listener;
    for (const report of this.#unheard.splice(0)) listener(report);
  }

  send(request: SenderRequest): void {
    if (this.#socket !== null) sendLine(this.#socket, request);
  }

  /**
   * Ends it at once, and waits until it is gone.
   * @param seconds_max so long. Nothing: as for all that is killed
   * @throws DroverError mover_process_stuck
   */
  async kill(seconds_max?: number): Promise<void> {
    killIfOurs(this.identity, SENDER_MARK);
    try {
      await untilGone(this.identity, 'sender', seconds_max);
    } finally {
      this.#socket?.destroy();
      this.#end();
    }
  }

  /** Hangs up: the worker finishes what it does, if anything, and ends. */
  release(): void {
    this.#socket?.destroy();
  }
}
