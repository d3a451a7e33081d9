import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { isRunning, killIfOurs, untilGone } from '../process-identity.ts';
import type { AdmissionRecord } from './admission-record.ts';
import { RECEIVER_MARK, type ReceiverProcess } from './receiver-process.ts';
import type { WorkerPool } from '../worker-pool.ts';
import type { Admitted } from './admitted.ts';

export interface MigrationDoorOptions {
  readonly record: AdmissionRecord;
  readonly journal_path: string;
  readonly pool: WorkerPool<ReceiverProcess>;
  /** Keeps the record over a restart of the agent. */
  readonly keep: (record: AdmissionRecord) => Promise<void>;
  /** Relays can only pass bytes here: the admission is to be renewed, with another socket. */
  readonly onPipesUnreachable?: (reason: string) => void;
}

/**
 * Where one migration's senders come in: a unix socket that only the forced command of its key connects to.
 * Connections are handed, unread, to a worker, all of one migration to the same.
 */
export class MigrationDoor {
  record: AdmissionRecord;
  readonly #options: MigrationDoorOptions;
  readonly #server: Server;
  #worker: Promise<ReceiverProcess> | null = null;
  #serving: ReceiverProcess | null = null;
  #closed = false;
  /** Connections that wait for a worker. */
  readonly #arriving = new Set<Socket>();
  #left = false;
  #closing: Promise<void> | null = null;

  constructor(options: MigrationDoorOptions) {
    this.#options = options;
    this.record = options.record;
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      this.#arriving.add(socket);
      this.#receive(socket)
        .catch(() => socket.destroy())
        .finally(() => this.#arriving.delete(socket));
    });
    this.#server.unref();
  }

  async open(): Promise<void> {
    if (this.#closed) return;
    const path = this.record.socket_path;
    // Of an agent that was killed: nobody listens on it any more.
    await rm(path, { force: true });
    if (this.#closed) return;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
  }

  async #receive(socket: Socket): Promise<void> {
    if (this.#left) return void socket.destroy();
    const taking = (this.#worker ??= this.#takeWorker());
    const worker = await taking.catch((error: unknown) => {
      // The next connection tries again.
      if (this.#worker === taking) this.#worker = null;
      throw error;
    });
    if (this.#closed || this.#left || !worker.alive) {
      socket.destroy();
      return;
    }
    worker.send({ do: 'serve', admitted: this.#admitted(), relay: this.record.relay ?? 'bytes' }, socket);
  }

  #admitted(): Admitted {
    const { migration_id, folder, disks, reserved_bytes } = this.record;
    const { journal_path } = this.#options;
    return {
      migration_id,
      folder,
      disks,
      journal_path,
      ...(reserved_bytes === undefined ? {} : { reserved_bytes }),
    };
  }

  async #takeWorker(): Promise<ReceiverProcess> {
    await this.#endOrphan();
    const worker = await this.#options.pool.take();
    this.#serving = worker;
    worker.listen((report) => {
      if (report.is === 'pipes_unreachable') this.#options.onPipesUnreachable?.(report.reason);
      if (report.is !== 'idle' || report.served !== worker.served || this.#closed) return;
      this.#lose(worker);
      this.#options.pool.recycle(worker);
    });
    void worker.ended.then(() => this.#lose(worker));
    const { receiver } = this.record;
    this.record = { ...this.record, receiver: worker.identity };
    try {
      if (!this.#closed) await this.#options.keep(this.record);
    } catch (error) {
      // It has got nothing to do yet, so others can have it.
      this.record = { ...this.record, receiver };
      if (this.#serving === worker) this.#options.pool.recycle(worker);
      this.#serving = null;
      throw error;
    }
    return worker;
  }

  /** Somebody sends: to a worker of ours, or to one of an agent before us. */
  get is_served(): boolean {
    const { receiver } = this.record;
    if (this.#serving !== null) return true;
    return receiver !== null && !this.#options.pool.pids.includes(receiver.pid) && isRunning(receiver);
  }

  /** The next connection gets another one. */
  #lose(worker: ReceiverProcess): void {
    if (this.#serving !== worker) return;
    this.#serving = null;
    this.#worker = null;
  }

  /** A worker of an agent before us must not write into files that another one has open. */
  async #endOrphan(): Promise<void> {
    const { receiver } = this.record;
    if (receiver === null || this.#options.pool.pids.includes(receiver.pid)) return;
    if (!killIfOurs(receiver, RECEIVER_MARK)) return;
    await untilGone(receiver, 'receiver');
  }

  /** Listens on the socket of its record, as it is now. */
  async reopen(): Promise<void> {
    this.#stopListening();
    await this.open();
  }

  /**
   * The agent ends, and its migrations do not: connections that were handed over go on. Those that were not are hung up:
   * there may be no worker for them any more, and their relays would wait for ever.
   */
  leave(): void {
    this.#left = true;
    this.#stopListening();
    for (const socket of this.#arriving) socket.destroy();
  }

  /** Does not wait for connections: those that were handed over are no longer ours. */
  #stopListening(): void {
    if (this.#server.listening) this.#server.close();
  }

  /**
   * When this has ended, nothing writes to the migration's folder any more. May be called again after it has failed.
   * @throws DroverError mover_process_stuck
   */
  close(): Promise<void> {
    this.#closing ??= this.#close().catch((error: unknown) => {
      this.#closing = null;
      throw error;
    });
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    const worker = (await this.#worker?.catch(() => null)) ?? null;
    if (worker === null) await this.#endOrphan();
    else if (await worker.stop()) this.#options.pool.recycle(worker);
    this.#worker = null;
  }
}
