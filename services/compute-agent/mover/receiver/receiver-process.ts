import { fork, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../../../../shared/process/node-flags.ts';
import { cpuArgument } from '../cpu-share.ts';
import { spillArgument } from '../disks/spill-file.ts';
import { identityOf, killIfOurs, untilGone, type ProcessIdentity } from '../process-identity.ts';
import { workerEnvironment } from '../worker-environment.ts';
import type { ReceiverReport, ReceiverRequest } from './worker-messages.ts';

export const RECEIVER_MARK = '--drover-receiver';
const STOP_SECONDS = 1;

/** A receiver worker, seen from its agent. */
export class ReceiverProcess {
  readonly #child: ChildProcess;
  readonly identity: ProcessIdentity;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  #listener: (report: ReceiverReport) => void = () => undefined;
  alive = true;
  /** Connections handed over so far. */
  served = 0;
  /** Connections that may not have been received yet. */
  readonly #leaving = new Set<ConnectionHandle>();

  /**
   * @param cpu_percent what it may take of the host; 100: one core
   * @param spill_folder for what it remembers of large disks; nothing: it has none
   */
  constructor(cpu_percent = 100, spill_folder?: string) {
    const entry = fileURLToPath(new URL('./worker.ts', import.meta.url));
    // A session of its own: a signal to the agent's group is not for a transfer that runs.
    const spill = spill_folder === undefined ? [] : [spillArgument(spill_folder)];
    this.#child = fork(entry, [RECEIVER_MARK, cpuArgument(cpu_percent), ...spill], {
      execPath: process.execPath,
      execArgv: [...NODE_FLAGS],
      env: workerEnvironment(),
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const { pid } = this.#child;
    this.identity = (pid === undefined ? null : identityOf(pid)) ?? { pid: pid ?? -1, start_ticks: -1 };
    const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
    const { promise: ended, resolve: hasEnded } = Promise.withResolvers<void>();
    this.ready = Promise.race([ready, ended]);
    this.ended = ended;
    this.#child.on('message', (report: ReceiverReport) => {
      if (report.is === 'idle' && report.served === this.served) this.#leaving.clear();
      if (report.is === 'ready') isReady();
      else this.#listener(report);
    });
    const end = (): void => {
      this.alive = false;
      // Node forgets some of those that were not received, and their peers would wait for ever.
      for (const handle of this.#leaving) handle.close();
      this.#leaving.clear();
      hasEnded();
    };
    this.#child.once('exit', end);
    this.#child.once('error', end);
    // An agent that has nothing else to do may end: its workers follow.
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Who hears what the worker reports; one at a time. */
  listen(listener: (report: ReceiverReport) => void): void {
    this.#listener = listener;
  }

  send(request: ReceiverRequest, socket?: Socket): void {
    if (!this.alive || !this.#child.connected) {
      socket?.destroy();
      return;
    }
    if (request.do === 'serve') this.served += 1;
    // Node would keep books, here and in the worker, on which server a socket came from, and there is one per
    // migration: listeners would pile up. Nobody asks those books.
    if (socket !== undefined) Reflect.set(socket, 'server', null);
    const handle = handleOf(socket);
    if (handle !== null) this.#leaving.add(handle);
    this.#child.send(request, socket, { keepOpen: false }, (error) => {
      if (error !== null) handle?.close();
    });
  }

  /**
   * Lets it hang up and close its files.
   * @returns false when it had to be killed
   * @throws DroverError mover_process_stuck
   */
  async stop(): Promise<boolean> {
    if (!this.alive) return false;
    const stopped = new Promise<boolean>((resolve) => {
      this.#listener = (report) => {
        if (report.is === 'stopped') resolve(true);
      };
    });
    this.send({ do: 'stop' });
    const ended = this.ended.then(() => false);
    const clean = await Promise.race([stopped, ended, pause(STOP_SECONDS * 1000, false, { ref: false })]);
    this.#listener = () => undefined;
    if (!clean) await this.kill();
    return clean;
  }

  /**
   * Ends it at once, and waits until it is gone: until then it may write.
   * @param seconds_max so long. Nothing: as for all that is killed
   * @throws DroverError mover_process_stuck
   */
  async kill(seconds_max?: number): Promise<void> {
    if (!this.alive) return;
    killIfOurs(this.identity, RECEIVER_MARK);
    try {
      await untilGone(this.identity, 'receiver', seconds_max);
    } catch (error) {
      this.release();
      throw error;
    }
    await this.ended;
  }

  /** Lets go of the worker: it finishes what it does and ends. */
  release(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** What Node takes from a socket when it sends it: from then on closing the socket closes nothing. */
interface ConnectionHandle {
  close(): void;
}

function handleOf(socket: Socket | undefined): ConnectionHandle | null {
  const handle: unknown = socket === undefined ? null : Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('close' in handle)) return null;
  return typeof handle.close === 'function' ? (handle as ConnectionHandle) : null;
}
