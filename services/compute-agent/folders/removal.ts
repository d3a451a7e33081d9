import { rm } from 'node:fs/promises';
import { volumesOf } from '../volumes/marked-volumes.ts';
import { readMark, type InstanceMark } from './mark.ts';

/** Folders on their way in or out: nothing reads them, the next start removes them. */
const PASSING = /^\.([0-9a-f-]{36})\.(making|removing|extracting)\.[0-9a-f]{12}$/;

/** Whose passing folder a name is, and what for. */
export function passingFolder(name: string): { readonly id: string; readonly reason: string } | null {
  const [, id, reason] = PASSING.exec(name) ?? [];
  return id === undefined || reason === undefined ? null : { id, reason };
}

/**
 * Removes the volumes that a removed folder's mark names, but for those that other folders of its instance name. It may be
 * called again for the same ones.
 */
export type RemoveVolumes = (mark: InstanceMark, others: readonly InstanceMark[]) => Promise<void>;

/**
 * Removes a folder whose name is gone already, volumes first: its mark is what knows of them.
 * @param readOthers marks of the other folders of its instance; null when one of them cannot be read: then the volumes
 * may be anybody's, and the folder is left for another time
 * @throws whatever keeps a volume from being removed
 */
export async function finishRemoval(
  passing: string,
  readOthers: () => Promise<readonly InstanceMark[] | null>,
  removeVolumes: RemoveVolumes,
): Promise<void> {
  const mark = await readMark(passing).catch(() => null);
  if (mark !== null && volumesOf(mark).length > 0) {
    const others = await readOthers();
    if (others === null) return;
    await removeVolumes(mark, others);
  }
  await rm(passing, { recursive: true, force: true });
}
