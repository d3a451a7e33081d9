/** A logical volume by its group's name and its own. */
export interface VolumeName {
  readonly group: string;
  readonly name: string;
}

/** One that is made, or to be made, so large: whole extents of its group. */
export interface PlannedVolume extends VolumeName {
  readonly size_bytes: number;
}

export interface GroupFigures {
  readonly size_bytes: number;
  readonly free_bytes: number;
  /** Volumes have sizes that are multiples of this. */
  readonly extent_bytes: number;
}

export interface FoundVolume {
  readonly name: string;
  readonly size_bytes: number;
  readonly tags: readonly string[];
  /** Of its device. */
  readonly path: string;
}

/**
 * What we need of a machine's volume groups. Nothing here knows of instances: who may do what to which volume is
 * decided in host-volumes.ts.
 */
export interface LogicalVolumes {
  /** @throws DroverError volume_group_missing, disk_tool_missing, disk_tool_failed, disk_tool_silent */
  figures(group: string): Promise<GroupFigures>;
  /** All volumes of a group, whoever made them. @throws as figures */
  list(group: string): Promise<readonly FoundVolume[]>;
  /**
   * Makes a volume that is not there yet. What its extents held before can be read from it: whoever makes it writes all
   * of it before a guest may.
   * @throws as figures; also for one that is there
   */
  create(volume: PlannedVolume, tag: string): Promise<void>;
  /** Removes a volume with its content; one that is in use is refused. @throws as figures; volume_in_use; also for one that is not there */
  remove(volume: VolumeName): Promise<void>;
}
