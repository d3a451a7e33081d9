import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostName, InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { instanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { instanceFolders } from '../../../shared/messaging/commands.ts';
import { makeFolder, renameDurably, syncFolder } from './durable.ts';
import { readAllMarks, readFolderMark } from './folder-marks.ts';
import { folderRoles, writeMark, type FolderRole, type InstanceMark } from './mark.ts';
import { leftAlone, passingFolder, Removals, type LeftAlone, type RemoveVolumes } from './removal.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOBODY = 'no migration';

/** Whose folder a command may touch: only this migration's, or any (a guest at home belongs to itself). */
export type Owner = MigrationId | 'anyone';

export interface Move {
  readonly from: FolderRole;
  readonly to: FolderRole;
  readonly owner: Owner;
  /** The migration that the mark names afterwards. */
  readonly migration_id: MigrationId | null;
  readonly epoch: number;
  /** Takes the place of the mark's spec (a resize brings another flavor). */
  readonly spec?: InstanceSpec;
}

/**
 * The folders of the instances on one host:
 *
 *   <instances_path>/<uuid>             the guest's home: `disk` and `drover.json`
 *   <instances_path>/<uuid>.staging     a copy that arrives
 *   <instances_path>/<uuid>.migrated    the source's copy until the move is confirmed; never started
 *   <instances_path>/<uuid>.withdrawn   the target's copy during a revert; never started
 *
 * A folder appears with its mark and disappears whole: it is made and removed under a passing name. Every change is
 * idempotent, and a folder that is marked for another migration is refused, never touched.
 */
export class InstanceFolders {
  readonly path: string;
  /** What is gone by name, and not yet from the disk. */
  readonly removals: Removals;
  readonly #host: HostName;
  /** Copies of the marks on disk, for reports and sums; what decides is always read from the disk. */
  readonly #known = new Map<string, InstanceMark>();

  /** @param options.removeVolumes default: volumes in marks stay. May be called again for the same ones */
  constructor(options: {
    readonly instances_path: string;
    readonly host: HostName;
    readonly removeVolumes?: RemoveVolumes;
  }) {
    this.path = options.instances_path;
    this.#host = options.host;
    this.removals = new Removals({
      path: this.path,
      // Not remembered: it is read outside the instance's queue, and may be out of date when it comes.
      readOthers: (id) =>
        readAllMarks(
          folderRoles.map((role) => this.folder(id, role)),
          id,
          this.#host,
        ),
      removeVolumes: options.removeVolumes ?? (() => Promise.resolve()),
    });
  }

  /**
   * Reads the marks that are there and removes what an interrupted making or removing left.
   * @returns folders whose marks cannot be read, or that cannot be removed, with the reason: for the log, they are left
   * alone.
   */
  async load(): Promise<readonly LeftAlone[]> {
    await makeFolder(this.path);
    const left: LeftAlone[] = [];
    for (const name of await readdir(this.path)) {
      try {
        await this.#load(name);
      } catch (error) {
        left.push(leftAlone(name, error));
      }
    }
    return [...left, ...(await this.removals.finishAll())];
  }

  async #load(name: string): Promise<void> {
    const passing = passingFolder(name);
    if (passing !== null && passing.reason !== 'removing')
      await rm(join(this.path, name), { recursive: true, force: true });
    const uuid = name.slice(0, 36);
    const suffix = name.slice(36);
    const role = folderRoles.find((candidate) => suffix === instanceFolders[candidate](''));
    if (UUID.test(uuid) && role !== undefined) await this.read(instanceId(uuid), role);
  }

  /** Absolute path. @throws DroverError command_invalid: an id that is no UUID never becomes a path */
  folder(id: InstanceId, role: FolderRole): string {
    if (!UUID.test(id))
      throw new DroverError('command_invalid', {
        host: this.#host,
        reason: `"${id.slice(0, 64)}" is no UUID in lower case`,
      });
    return join(this.path, instanceFolders[role](id));
  }

  /** @returns null when there is no such folder. @throws DroverError folder_mark_unreadable */
  async read(id: InstanceId, role: FolderRole): Promise<InstanceMark | null> {
    const mark = await readFolderMark(this.folder(id, role), id, this.#host);
    this.#remember(id, role, mark);
    return mark;
  }

  /** The guest's home, unless it is being moved away. */
  async home(id: InstanceId): Promise<InstanceMark | null> {
    const mark = await this.read(id, 'home');
    return mark?.role === 'home' ? mark : null;
  }

  /** Makes a folder that appears together with its mark. One that is there already must be of the same migration. */
  async make(mark: InstanceMark): Promise<'made' | 'was there'> {
    const id = instanceId(mark.instance_id);
    const folder = this.folder(id, mark.role);
    const present = await this.read(id, mark.role);
    if (present !== null) {
      this.#refuseForeign(id, mark.role, present, mark.migration_id ?? 'anyone');
      await this.write(mark);
      return 'was there';
    }
    const draft = this.#passing(id, 'making');
    await mkdir(draft, { mode: 0o700 });
    await writeMark(draft, mark);
    await renameDurably(draft, folder);
    this.#remember(id, mark.role, mark);
    return 'made';
  }

  /** Replaces the mark of a folder that exists. */
  async write(mark: InstanceMark, role: FolderRole = mark.role): Promise<void> {
    const id = instanceId(mark.instance_id);
    await writeMark(this.folder(id, role), mark);
    this.#remember(id, role, mark);
  }

  /**
   * Renames a folder from one role to another, mark first: whoever reads between the two sees a folder that is no
   * home any more, or not yet.
   * @throws DroverError folder_missing, folder_occupied, folder_of_another_migration
   */
  async move(id: InstanceId, move: Move): Promise<'moved' | 'was moved'> {
    const source = await this.read(id, move.from);
    const target = await this.read(id, move.to);
    const names = { host: this.#host, source: this.folder(id, move.from), target: this.folder(id, move.to) };
    if (source !== null && target !== null) throw new DroverError('folder_occupied', names);
    const next = {
      role: move.to,
      migration_id: move.migration_id,
      epoch: move.epoch,
      ...(move.spec === undefined ? {} : { spec: move.spec }),
    };
    if (source !== null) {
      // An interrupted move belongs to the migration that began it, whoever may touch a folder at rest.
      const owner = source.role === move.from ? move.owner : (move.migration_id ?? 'anyone');
      this.#refuseForeign(id, move.from, source, owner);
      await this.write({ ...source, ...next, reserved_bytes: 0 }, move.from);
      await renameDurably(names.source, names.target);
      this.#remember(id, move.from, null);
      this.#remember(id, move.to, { ...source, ...next, reserved_bytes: 0 });
      return 'moved';
    }
    if (target === null) throw new DroverError('folder_missing', names);
    this.#refuseForeign(id, move.to, target, move.migration_id ?? 'anyone');
    if (target.epoch !== move.epoch || target.role !== move.to)
      await this.write({ ...target, ...next }, move.to);
    return 'was moved';
  }

  /**
   * Removes a folder with all that is in it, and the volumes that were made for it. What an earlier removal of this
   * instance could not do is done now.
   * @param owner `anyone` removes it even when its mark cannot be read
   * @throws DroverError folder_of_another_migration; whatever keeps a volume from being removed
   */
  async remove(id: InstanceId, role: FolderRole, owner: Owner): Promise<'removed' | 'was gone'> {
    const folder = this.folder(id, role);
    if (owner !== 'anyone') {
      const mark = await this.read(id, role);
      if (mark !== null) this.#refuseForeign(id, role, mark, owner);
    }
    let outcome: 'removed' | 'was gone' = 'removed';
    try {
      await rename(folder, this.#passing(id, 'removing'));
      await syncFolder(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      outcome = 'was gone';
    }
    this.#remember(id, role, null);
    await this.removals.finish(id);
    return outcome;
  }

  /** Marks as last read or written, by role. No disk access. */
  known(role: FolderRole): readonly InstanceMark[] {
    return [...this.#known].filter(([key]) => key.endsWith(`/${role}`)).map(([, mark]) => mark);
  }

  /** Highest epoch that any folder of this instance bears; 0 when there is none. */
  knownEpoch(id: InstanceId): number {
    return Math.max(0, ...folderRoles.map((role) => this.#known.get(`${id}/${role}`)?.epoch ?? 0));
  }

  #refuseForeign(id: InstanceId, role: FolderRole, mark: InstanceMark, owner: Owner): void {
    if (owner === 'anyone' || mark.migration_id === owner) return;
    throw new DroverError('folder_of_another_migration', {
      folder: this.folder(id, role),
      host: this.#host,
      owner: mark.migration_id === null ? NOBODY : `migration ${mark.migration_id}`,
      migration: `migration ${owner}`,
    });
  }

  #remember(id: InstanceId, role: FolderRole, mark: InstanceMark | null): void {
    if (mark === null) this.#known.delete(`${id}/${role}`);
    else this.#known.set(`${id}/${role}`, mark);
  }

  #passing(id: InstanceId, reason: 'making' | 'removing'): string {
    return join(this.path, `.${id}.${reason}.${randomBytes(6).toString('hex')}`);
  }
}
