import { readlink, stat } from 'node:fs/promises';
import { instanceId, type HostName, type InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { InstanceFolders } from '../folders/instance-folders.ts';
import { folderRoles, type InstanceMark } from '../folders/mark.ts';
import type { FoundVolume, GroupFigures, LogicalVolumes, PlannedVolume } from './logical-volumes.ts';
import { nameTrouble } from './volume-names.ts';
import { asDeviceMissing, deviceMissing } from './missing-device.ts';
import { isSameVolume, volumesOf } from './marked-volumes.ts';

/** What a folder's mark names before it exists and for as long as it exists. */
type Marked = Pick<InstanceMark, 'instance_id' | 'disks' | 'conversions'>;

/**
 * The logical volumes that disks of this host lie in. Three things together make one ours: its name, a tag with this
 * host's name, and a folder's mark that names it. The mark is written before the volume is made, and is there until it is
 * gone (of a folder that is being removed it lies in the passing one), so that a crash at any point leaves nothing that
 * nobody knows of. What only looks like ours (another host in the same group, an operator's, one without a mark) is left
 * alone and logged.
 */
export class HostVolumes {
  readonly #host: HostName;
  readonly #volumes: LogicalVolumes;
  readonly #folders: Pick<InstanceFolders, 'known' | 'folder'>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly host: HostName;
    readonly volumes: LogicalVolumes;
    readonly folders: Pick<InstanceFolders, 'known' | 'folder'>;
  }) {
    this.#host = options.host;
    this.#volumes = options.volumes;
    this.#folders = options.folders;
  }

  /** @throws DroverError volume_group_missing, disk_tool_missing, disk_tool_failed */
  figures(group: string): Promise<GroupFigures> {
    return this.#volumes.figures(group);
  }

  /**
   * Nova's name for it, and the size in whole extents: a disk of another size grows to it.
   * @throws DroverError disk_storage_unsupported for a name that LVM would refuse, and as figures
   */
  async plan(
    group: string,
    id: InstanceId,
    disk: { readonly name: string; readonly size_bytes: number },
  ): Promise<PlannedVolume> {
    const name = `${id}_${disk.name}`;
    const wrong = nameTrouble({ group, name });
    if (wrong !== null)
      throw new DroverError('disk_storage_unsupported', {
        host: this.#host,
        images_type: 'lvm',
        instance: id,
        missing: `LVM takes no volume ${group}/${name}: ${wrong}`,
      });
    const { extent_bytes } = await this.figures(group);
    const extents = Math.max(1, Math.ceil(disk.size_bytes / extent_bytes));
    return { group, name, size_bytes: extents * extent_bytes };
  }

  /**
   * Writes a mark that promises volumes, if their group has room for them beside those that other marks promise and that
   * are not made yet. One at a time: two must not be promised the same space.
   * @throws DroverError host_disk_full, volume_not_ours before anything is written; whatever `write` throws
   */
  async promising<Result>(mark: Marked, write: () => Promise<Result>): Promise<Result> {
    const planned = volumesOf(mark);
    if (planned.length === 0) return write();
    return this.#inTurn(async () => {
      for (const group of new Set(planned.map((volume) => volume.group))) await this.#check(group, mark);
      return write();
    });
  }

  /** What looks at volumes or marks and then acts on it: nobody may change them in between. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #check(group: string, mark: Marked): Promise<void> {
    const present = await this.#volumes.list(group);
    for (const volume of volumesOf(mark)) {
      const found = volume.group === group ? present.find(({ name }) => name === volume.name) : undefined;
      if (found !== undefined && !this.#isOurs(found)) throw this.#notOurs(mark.instance_id, volume, found);
    }
    const unmade = (marks: readonly Marked[]) =>
      marks
        .flatMap(volumesOf)
        .filter((volume) => volume.group === group && !present.some(({ name }) => name === volume.name))
        .reduce((sum, { size_bytes }) => sum + size_bytes, 0);
    const asked_bytes = unmade([mark]);
    const promised_bytes = unmade(this.#known().filter((other) => other.instance_id !== mark.instance_id));
    const { free_bytes } = await this.#volumes.figures(group);
    if (asked_bytes <= free_bytes - promised_bytes) return;
    throw new DroverError('host_disk_full', {
      host: this.#host,
      instance: mark.instance_id,
      purpose: `the logical volumes (volume group ${group})`,
      asked_bytes,
      free_bytes,
      promised_bytes,
      kept_bytes: 0,
    });
  }

  /**
   * Makes a volume that a mark has promised. One that an earlier try made is removed first: nobody knows what it holds,
   * and something may be writing to it still, in which case this fails.
   * @returns the path of its device, whose content is undefined
   * @throws DroverError volume_not_ours, and as figures
   */
  make(id: InstanceId, volume: PlannedVolume): Promise<string> {
    return this.#inTurn(() => this.#make(id, volume));
  }

  async #make(id: InstanceId, volume: PlannedVolume): Promise<string> {
    const present = await this.#find(volume);
    if (present !== null) {
      if (!this.#isOurs(present)) throw this.#notOurs(id, volume, present);
      const home = this.#known().find(({ disks }) =>
        disks.some((disk) => disk.volume !== undefined && isSameVolume(disk.volume, volume)),
      );
      if (home !== undefined) {
        const folder = this.#folders.folder(instanceId(home.instance_id), home.role);
        throw this.#refuse(id, volume, `a disk in ${folder} lies in it`);
      }
      await this.#volumes.remove(volume);
    }
    await this.#volumes.create(volume, this.#tag);
    const made = await this.#find(volume);
    if (made !== null) return made.path;
    throw new Error(`volume ${volume.group}/${volume.name} was made and is not there`);
  }

  /**
   * Removes the volumes of a folder whose name is gone already.
   * @param readOthers marks of the same instance that are there: what they name is kept. Asked in our turn: what is
   * promised before it is in a mark, and what is promised after it is made after it
   * @throws DroverError as figures; volume_in_use; whatever `readOthers` throws
   */
  removeWith(mark: Marked, readOthers: () => Promise<readonly Marked[]>): Promise<void> {
    return this.#inTurn(async () => {
      const kept = (await readOthers()).flatMap(volumesOf);
      for (const volume of volumesOf(mark)) {
        if (kept.some((other) => isSameVolume(other, volume))) continue;
        const found = await this.#find(volume);
        if (found === null || !this.#isOurs(found)) continue;
        await this.#volumes.remove(volume);
      }
    });
  }

  /**
   * A disk that its mark says lies in a volume must be a link to that volume's device, or something else would be opened as
   * the disk.
   * @throws DroverError volume_device_missing, and as figures
   */
  async requireDevice(path: string, volume: PlannedVolume): Promise<void> {
    const refuse = (found: string) => deviceMissing(path, volume, this.#host, found);
    const present = await this.#find(volume);
    if (present === null) throw refuse('there is no such volume');
    const device = await readlink(path).catch((error: unknown) => {
      // EINVAL: something that is no link.
      if (['ENOENT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
      throw error;
    });
    if (device === null) throw refuse('it is no link to its device');
    if (device !== present.path) throw refuse(`it is a link to ${device}, not to ${present.path}`);
    await stat(path).catch((error: unknown) => {
      throw asDeviceMissing(error, path, volume, this.#host);
    });
  }

  /**
   * Names of volumes that have our tag and that no folder's mark names: for the log.
   * @param doubtful instances of folders whose marks were not, or could not be, read: theirs may be named there
   * @throws as figures
   */
  async unnamed(group: string, doubtful: readonly string[] = []): Promise<readonly string[]> {
    const named = this.#known().flatMap(volumesOf);
    const found = (await this.#volumes.list(group)).filter((volume) => this.#isOurs(volume));
    return found
      .map(({ name }) => name)
      .filter((name) => !doubtful.some((id) => name.startsWith(`${id}_`)))
      .filter((name) => !named.some((one) => isSameVolume(one, { group, name })));
  }

  #known(): readonly InstanceMark[] {
    return folderRoles.flatMap((role) => this.#folders.known(role));
  }

  async #find({ group, name }: PlannedVolume): Promise<FoundVolume | null> {
    return (await this.#volumes.list(group)).find((volume) => volume.name === name) ?? null;
  }

  #notOurs(instance: string, volume: PlannedVolume, { tags }: FoundVolume): DroverError {
    return this.#refuse(instance, volume, `its tags are "${tags.join(',')}"`);
  }

  #refuse(instance: string, { group, name }: PlannedVolume, found: string): DroverError {
    return new DroverError('volume_not_ours', {
      volume: `${group}/${name}`,
      host: this.#host,
      instance,
      found,
    });
  }

  /** With the host's name: hosts may share a group, and each must only ever touch its own. */
  get #tag(): string {
    return `drover.${this.#host}`;
  }

  #isOurs({ tags }: FoundVolume): boolean {
    return tags.includes(this.#tag);
  }
}
