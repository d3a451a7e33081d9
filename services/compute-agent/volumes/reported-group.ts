import type { HostName } from '../../../shared/domain/ids.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import type { LeftAlone } from '../folders/removal.ts';
import { volumeGroup, type ImagesType } from '../images/disk-format.ts';
import type { HostVolumes } from './host-volumes.ts';
import type { GroupFigures } from './logical-volumes.ts';

/** The volume group that a host keeps its disks in, if it does, as it is reported. */
export class ReportedGroup {
  readonly #host: HostName;
  readonly #volumes: HostVolumes;
  readonly #settings: { readonly images_type: ImagesType; readonly images_volume_group: string | null };
  readonly #log: Logger;
  #newest: GroupFigures | null = null;
  /** What was logged of it last; reports come often. */
  #trouble: string | null = null;

  constructor(options: {
    readonly host: HostName;
    readonly volumes: HostVolumes;
    readonly settings: { readonly images_type: ImagesType; readonly images_volume_group: string | null };
    readonly log: Logger;
  }) {
    this.#host = options.host;
    this.#volumes = options.volumes;
    this.#settings = options.settings;
    this.#log = options.log;
  }

  /**
   * The group must be there, or nothing of this host could work.
   * @throws DroverError volume_group_unset, volume_group_missing, disk_tool_missing, disk_tool_failed
   */
  async require(): Promise<void> {
    const group = volumeGroup(this.#settings, this.#host);
    if (group !== null) this.#newest = await this.#volumes.figures(group);
  }

  /**
   * Null: disks are files. A group that cannot be looked at now has nothing free: its guests run on, and a host that
   * said nothing would be taken for dead.
   */
  async figures(): Promise<Pick<GroupFigures, 'size_bytes' | 'free_bytes'> | null> {
    if (this.#newest === null) return null;
    try {
      await this.require();
      if (this.#trouble !== null) this.#log.info('the volume group can be looked at again');
      this.#trouble = null;
      return this.#newest;
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      if (trouble !== this.#trouble)
        this.#log.error({ error }, 'the volume group cannot be looked at: it is reported as full');
      this.#trouble = trouble;
      return { size_bytes: this.#newest.size_bytes, free_bytes: 0 };
    }
  }

  /**
   * Volumes that look like ours and belong to no folder: never removed without being asked, for a folder may only be out of
   * sight. Those of instances with a folder that is left alone are not told: that one may name them.
   * @param left what looking at the folders has left alone, logged already
   */
  async tellUnnamed(left: readonly LeftAlone[] = []): Promise<void> {
    const group = volumeGroup(this.#settings, this.#host);
    if (group === null) return;
    const doubtful = left.flatMap(({ folder }) => /[0-9a-f-]{36}/.exec(folder) ?? []);
    for (const volume of await this.#volumes.unnamed(group, doubtful))
      this.#log.warn({ volume: `${group}/${volume}` }, 'a volume is left alone: no instance folder names it');
  }
}
