import { readFile as readFileWithCallback } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DiskFormat, InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type { DiskDescription, FolderMark } from '../../../shared/messaging/commands.ts';
import type { PlannedVolume } from '../volumes/logical-volumes.ts';
import { writeFileDurably } from './durable.ts';

/** What a folder is, and by that what its name must end in. */
export const folderRoles = ['home', 'staging', 'retired', 'withdrawn'] as const;
export type FolderRole = (typeof folderRoles)[number];

/**
 * `drover.json` beside the disks: whose they are, and which epoch the host has seen for them. The mark is written
 * before the folder is renamed, so a mark whose role is not the folder's name is a move that was interrupted.
 */
export interface InstanceMark extends FolderMark {
  readonly role: FolderRole;
  /** Enough to define the guest again without asking anybody. */
  readonly spec: InstanceSpec;
  readonly disks: readonly MarkedDisk[];
  /** staging only: what was promised to the copy. */
  readonly reserved_bytes: number;
  /** Disks that this host wants in another form than they arrive in; of a new guest the volume that its disk gets. */
  readonly conversions?: readonly Conversion[];
}

/** How a host keeps a disk. */
interface DiskForm {
  readonly format: DiskFormat;
  /** The logical volume that we made, or will make, for it; absent: a file, or a device that somebody else put there. */
  readonly volume?: PlannedVolume;
}

export interface Conversion extends DiskForm {
  readonly name: string;
}

/** What does not change about a disk; its sizes are read from the file. */
export type MarkedDisk = Pick<DiskDescription, 'name' | 'format' | 'backing'> & Pick<DiskForm, 'volume'>;

/** True when a disk is in the form that was wanted. */
export const isInForm = (disk: MarkedDisk, wanted: Conversion): boolean =>
  disk.name === wanted.name && disk.format === wanted.format && disk.volume?.name === wanted.volume?.name;

export const MARK_NAME = 'drover.json';

/** Several marks are read for every command, and this costs half of what a file handle of `node:fs/promises` does. */
const readFile = promisify(readFileWithCallback);

/** @returns null when the folder or its mark does not exist. @throws SyntaxError, TypeError for a damaged mark */
export async function readMark(folder: string): Promise<InstanceMark | null> {
  let text: string;
  try {
    text = await readFile(join(folder, MARK_NAME), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return checkMark(JSON.parse(text));
}

export async function writeMark(folder: string, mark: InstanceMark): Promise<void> {
  await writeFileDurably(join(folder, MARK_NAME), `${JSON.stringify(mark)}\n`);
}

/** Only agents write marks; this finds a file that was damaged or edited, not one that is hostile. */
function checkMark(value: unknown): InstanceMark {
  if (typeof value !== 'object' || value === null) throw new TypeError('it is no object');
  const mark = value as Partial<InstanceMark>;
  if (typeof mark.instance_id !== 'string') throw new TypeError('it has no instance_id');
  if (!Number.isSafeInteger(mark.epoch)) throw new TypeError('it has no epoch');
  if (!folderRoles.some((role) => role === mark.role)) throw new TypeError('it has no known role');
  if (!Array.isArray(mark.disks)) throw new TypeError('it has no disks');
  if (typeof mark.spec !== 'object' || mark.spec === null) throw new TypeError('it has no spec');
  return mark as InstanceMark;
}
