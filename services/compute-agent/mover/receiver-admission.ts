import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationId } from '../../../shared/domain/ids.ts';
import type { CommandResults, ReceiverEndpoint } from '../../../shared/messaging/commands.ts';
import type { Admission, ReceiverAdmission, TransferWatch } from './mover.ts';
import {
  checkAdmission,
  readAdmissions,
  removeAdmission,
  writeAdmission,
  type AdmissionRecord,
} from './receiver/admission-record.ts';
import { AuthorizedKeysFile, authorizedKeyLine } from './receiver/authorized-keys.ts';
import { removeJournal } from './receiver/journal.ts';
import { ChangesInOrder } from './receiver/changes-in-order.ts';
import { endOfLife, renewKeys, systemKeyClock, type KeyClock } from './receiver/key-life.ts';
import { MigrationDoor } from './receiver/migration-door.ts';
import { ReceiverProcess } from './receiver/receiver-process.ts';
import { rereadStaged } from './receiver/reread-staged.ts';
import { prepareSpillFolder } from './disks/spill-file.ts';
import { socketsFolder } from './sockets-folder.ts';
import { WorkerPool, type StartFailure } from './worker-pool.ts';
import { relayCommand, type RelayKind } from './receiver/relay.ts';

export interface ReceiverAdmissionOptions {
  /** Folder of this agent's own state; `mover/` is made below it. */
  readonly state_path: string;
  /** The file that this host's sshd reads admitted keys from. */
  readonly authorized_keys_path: string;
  /** Where and as whom senders log in here. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Public host keys of this host's sshd. */
  readonly host_key_paths: readonly string[];
  /** Receivers that are started before they are needed. */
  readonly idle_workers?: number;
  /** Hears of each receiver that has ended before it was ready. */
  readonly onStartFailed?: (failure: StartFailure) => void;
  /** What each receiver may take of the host's processors; 100: one core. Nothing: 100. */
  readonly cpu_percent?: number;
  /** Hears, once, that bytes have to take the slower way through the relay, and why. */
  readonly onPipesUnreachable?: (reason: string) => void;
  /** Hears of a receiver that could not be ended, after something else had failed that says more. */
  readonly onStuck?: (error: unknown) => void;
  /** Hears that keys in use were not renewed; it is tried again until they end. */
  readonly onNotRenewed?: (error: unknown) => void;
  /** Nothing: the system's. */
  readonly clock?: KeyClock;
}

/** The target's side of all migrations that come to this host. Takes up the admissions of an agent that ran before. */
export function createReceiverAdmission(options: ReceiverAdmissionOptions): ReceiverAdmission {
  return new HostAdmission(options);
}

class HostAdmission implements ReceiverAdmission {
  readonly #options: ReceiverAdmissionOptions;
  readonly #records_folder: string;
  readonly #journals_folder: string;
  readonly #sockets_folder: string;
  readonly #pool: WorkerPool<ReceiverProcess>;
  readonly #doors = new Map<MigrationId, MigrationDoor>();
  /** Withdrawn, and their receivers may still write. */
  readonly #stuck = new Map<MigrationId, MigrationDoor>();
  readonly #keys: AuthorizedKeysFile;
  readonly #changes = new ChangesInOrder();
  readonly #ready: Promise<void>;
  readonly #clock: KeyClock;
  readonly #stopRenewing: () => void;
  /** Of new admissions. */
  #relay: RelayKind = 'pipes';

  constructor(options: ReceiverAdmissionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemKeyClock;
    const folder = join(options.state_path, 'mover');
    this.#records_folder = join(folder, 'admissions');
    this.#journals_folder = join(folder, 'journals');
    this.#sockets_folder = socketsFolder(options.state_path);
    const spill_folder = prepareSpillFolder(options.state_path);
    this.#pool = new WorkerPool({
      idle_max: options.idle_workers ?? 2,
      create: () => new ReceiverProcess(options.cpu_percent, spill_folder),
      ...(options.onStartFailed === undefined ? {} : { onStartFailed: options.onStartFailed }),
    });
    this.#keys = new AuthorizedKeysFile(options.authorized_keys_path, () => this.#keyLines());
    this.#ready = this.#start();
    // Whoever calls first hears of it.
    this.#ready.catch(() => undefined);
    this.#stopRenewing = this.#clock.every(() => this.#renewKeys());
  }

  async #start(): Promise<void> {
    for (const folder of [this.#records_folder, this.#journals_folder]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
    this.#pool.warm();
    for (const record of await readAdmissions(this.#records_folder)) {
      if (record.withdrawn === true) this.#stuck.set(record.migration_id, this.#newDoor(record));
      else await this.#open(record);
    }
    await this.#keys.write();
  }

  #keyLines(): readonly string[] {
    const now = this.#clock.now();
    return [...this.#doors.values()]
      .map(({ record }) => record)
      .filter(({ expires_at }) => Date.parse(expires_at) > now)
      .map(keyLine);
  }

  async #renewKeys(): Promise<void> {
    try {
      await this.#ready;
      await renewKeys(this.#doors.values(), this.#clock, (records) =>
        Promise.all([this.#keys.write(), ...records.map((record) => this.#keep(record))]),
      );
    } catch (error) {
      this.#options.onNotRenewed?.(error);
    }
  }

  async admit(admission: Admission): Promise<ReceiverEndpoint> {
    checkAdmission(admission);
    await this.#ready;
    const { migration_id } = admission;
    // Two receivers would write into one folder.
    if (this.#stuck.has(migration_id)) await this.withdraw(migration_id);
    const door = this.#doors.get(migration_id);
    const record: AdmissionRecord = {
      ...admission,
      expires_at: endOfLife(this.#clock, admission),
      socket_path: door?.record.socket_path ?? this.#newSocketPath(),
      relay: door?.record.relay ?? this.#relay,
      receiver: door?.record.receiver ?? null,
    };
    // Refuses what sshd must not read before anything is made.
    keyLine(record);
    if (door === undefined) await this.#open(record);
    else door.record = record;
    await Promise.all([this.#keep(record), this.#keys.write()]);
    return this.#endpoint();
  }

  async #open(record: AdmissionRecord): Promise<void> {
    const door = this.#newDoor(record);
    this.#doors.set(record.migration_id, door);
    await door.open();
  }

  #newDoor(record: AdmissionRecord): MigrationDoor {
    const door: MigrationDoor = new MigrationDoor({
      record,
      journal_path: this.#journalPath(record.migration_id),
      pool: this.#pool,
      keep: (changed) => this.#keep(changed),
      onPipesUnreachable: (reason) => {
        // What cannot be renewed now fails as a copy: the sender does not get through.
        this.#passBytes(door, reason).catch(() => undefined);
      },
    });
    return door;
  }

  #keep(record: AdmissionRecord): Promise<void> {
    return this.#changes.add(record.migration_id, () => writeAdmission(this.#records_folder, record));
  }

  #newSocketPath(): string {
    return join(this.#sockets_folder, randomBytes(6).toString('hex'));
  }

  /** The sender whose connection was given up tries again, and finds a relay that passes bytes, at another socket. */
  async #passBytes(door: MigrationDoor, reason: string): Promise<void> {
    if (this.#relay === 'pipes') this.#options.onPipesUnreachable?.(reason);
    this.#relay = 'bytes';
    const { migration_id, relay } = door.record;
    if (relay !== 'pipes' || this.#doors.get(migration_id) !== door) return;
    door.record = { ...door.record, relay: 'bytes', socket_path: this.#newSocketPath() };
    await door.reopen();
    // Withdrawn meanwhile: nothing of it is to come back.
    if (this.#doors.get(migration_id) !== door) return;
    await Promise.all([this.#keep(door.record), this.#keys.write()]);
  }

  #journalPath(migration: string): string {
    return join(this.#journals_folder, migration);
  }

  async #endpoint(): Promise<ReceiverEndpoint> {
    const { address, port, user, host_key_paths } = this.#options;
    const files = await Promise.all(host_key_paths.map((path) => readFile(path, 'utf8')));
    const host_keys = files.map((text) => text.trim().split(/\s+/).slice(0, 2).join(' '));
    return { address, port, user, host_keys };
  }

  async withdraw(migration: MigrationId): Promise<void> {
    await this.#ready;
    const door = this.#doors.get(migration) ?? this.#stuck.get(migration);
    if (door === undefined) return;
    this.#doors.delete(migration);
    // Until its receiver is gone: whoever tries again must not hear that it is.
    this.#stuck.set(migration, door);
    // The next agent must not take up again what this one could not end.
    door.record = { ...door.record, withdrawn: true };
    const [keys] = await Promise.allSettled([this.#keys.write(), this.#keep(door.record)]);
    await door.close();
    // A record that could not be written does not matter any more: it is removed.
    if (keys.status === 'rejected') throw keys.reason;
    await removeJournal(this.#journalPath(migration));
    await this.#changes.add(migration, () => removeAdmission(this.#records_folder, migration));
    this.#stuck.delete(migration);
  }

  async verify(
    staged: Parameters<ReceiverAdmission['verify']>[0],
    watch: TransferWatch,
  ): Promise<CommandResults['verify']> {
    await this.#ready;
    watch.signal.throwIfAborted();
    return rereadStaged(
      this.#pool,
      { ...staged, journal_path: this.#journalPath(staged.migration_id) },
      { watch, onStuck: this.#options.onStuck },
    );
  }

  /** Stops listening. Admitted keys stay; receivers that work go on: the next agent takes both up. */
  async close(): Promise<void> {
    this.#stopRenewing();
    await this.#ready.catch(() => undefined);
    for (const door of this.#doors.values()) door.leave();
    await this.#pool.close();
  }
}

function keyLine(record: AdmissionRecord): string {
  return authorizedKeyLine({
    public_key: record.public_key,
    source_address: record.source_address,
    expires_at: new Date(record.expires_at),
    command: relayCommand(record.relay ?? 'bytes', record.socket_path),
  });
}
