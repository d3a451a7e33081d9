import { stat } from 'node:fs/promises';
import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { readMark, type InstanceMark } from './mark.ts';

/**
 * The mark of an instance's folder: one that is there has one, and it names the instance.
 * @returns null when there is no such folder
 * @throws DroverError folder_mark_unreadable
 */
export async function readFolderMark(
  folder: string,
  id: InstanceId,
  host: HostName,
): Promise<InstanceMark | null> {
  try {
    const mark = await readMark(folder);
    if (mark === null && (await exists(folder))) throw new TypeError('there is none');
    if (mark !== null && mark.instance_id !== id) throw new TypeError(`it names ${mark.instance_id}`);
    return mark;
  } catch (error) {
    throw new DroverError(
      'folder_mark_unreadable',
      { folder, host, reason: error instanceof Error ? error.message : String(error) },
      { cause: error },
    );
  }
}

/**
 * All marks of an instance that are there. Read twice: a folder that is given another name meanwhile may be missed once.
 * @param folders that an instance may have
 * @throws DroverError folder_mark_unreadable
 */
export async function readAllMarks(
  folders: readonly string[],
  id: InstanceId,
  host: HostName,
): Promise<readonly InstanceMark[]> {
  const found = new Map<string, InstanceMark>();
  for (const folder of [...folders, ...folders]) {
    const mark = await readFolderMark(folder, id, host);
    if (mark !== null) found.set(folder, mark);
  }
  return [...found.values()];
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
