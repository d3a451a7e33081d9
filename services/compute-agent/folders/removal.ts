import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceId, type InstanceId } from '../../../shared/domain/ids.ts';
import { isDroverError } from '../../../shared/errors/drover-error.ts';
import { volumesOf } from '../volumes/marked-volumes.ts';
import { readMark, type InstanceMark } from './mark.ts';

/**
 * Folders on their way in or out. No command reads them, and the next start removes them; of those on their way out the mark
 * is read, for it alone knows of the folder's volumes, and their removal is gone on with every minute.
 */
const PASSING = /^\.([0-9a-f-]{36})\.(making|removing|extracting)\.[0-9a-f]{12}$/;

/** Whose passing folder a name is, and what for. */
export function passingFolder(name: string): { readonly id: string; readonly reason: string } | null {
  const [, id, reason] = PASSING.exec(name) ?? [];
  return id === undefined || reason === undefined ? null : { id, reason };
}

/** A folder that is left alone, with the reason: for the log. */
export interface LeftAlone {
  readonly folder: string;
  readonly reason: string;
}

export const leftAlone = (folder: string, error: unknown): LeftAlone => ({
  folder,
  reason: error instanceof Error ? error.message : String(error),
});

/**
 * Removes the volumes that a removed folder's mark names, but for those that other folders of its instance name. It may be
 * called again for the same ones.
 * @param readOthers to be asked when nobody can make a volume any more that they do not name yet
 */
export type RemoveVolumes = (
  mark: InstanceMark,
  readOthers: () => Promise<readonly InstanceMark[]>,
) => Promise<void>;

/**
 * The second half of a removal: of folders whose names are gone already. Whoever asks for the same one joins. A folder
 * stays when it is not known which volumes are to go with it: when its own mark cannot be read, or another one of its
 * instance. Nothing of that is solved by asking again; it is for the log.
 */
export class Removals {
  readonly #path: string;
  readonly #readOthers: (id: InstanceId) => Promise<readonly InstanceMark[]>;
  readonly #removeVolumes: RemoveVolumes;
  readonly #running = new Map<string, Promise<LeftAlone | null>>();

  /** @param options.readOthers marks of an instance's folders; throws folder_mark_unreadable */
  constructor(options: {
    readonly path: string;
    readonly readOthers: (id: InstanceId) => Promise<readonly InstanceMark[]>;
    readonly removeVolumes: RemoveVolumes;
  }) {
    this.#path = options.path;
    this.#readOthers = options.readOthers;
    this.#removeVolumes = options.removeVolumes;
  }

  /** Those of one instance, all of them. @throws what kept the first of them from being removed */
  async finish(id: InstanceId): Promise<void> {
    const mine = (await this.#begun()).filter((removal) => removal.id === id);
    const outcomes = await Promise.allSettled(mine.map(({ name }) => this.#join(name, id)));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  /** All of them; one that fails keeps no other. @returns those that could not be finished now */
  async finishAll(): Promise<readonly LeftAlone[]> {
    const left: LeftAlone[] = [];
    for (const { name, id } of await this.#begun()) {
      const found = await this.#join(name, id).catch((error: unknown) => leftAlone(name, error));
      if (found !== null) left.push(found);
    }
    return left;
  }

  async #begun(): Promise<ReadonlyArray<{ readonly name: string; readonly id: InstanceId }>> {
    const names = await readdir(this.#path);
    return names.flatMap((name) => {
      const passing = passingFolder(name);
      return passing?.reason === 'removing' ? [{ name, id: instanceId(passing.id) }] : [];
    });
  }

  #join(name: string, id: InstanceId): Promise<LeftAlone | null> {
    const running =
      this.#running.get(name) ?? this.#remove(name, id).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  /** Volumes first: the folder's mark is what knows of them. */
  async #remove(name: string, id: InstanceId): Promise<LeftAlone | null> {
    const passing = join(this.#path, name);
    let mark: InstanceMark | null;
    try {
      mark = await readMark(passing);
    } catch (error) {
      const { reason } = leftAlone(name, error);
      return {
        folder: name,
        reason: `its drover.json cannot be read, and may name volumes: ${reason}. Repair it, or remove the folder when its volumes are gone`,
      };
    }
    try {
      if (mark !== null && volumesOf(mark).length > 0)
        await this.#removeVolumes(mark, () => this.#readOthers(id));
    } catch (error) {
      if (!isDroverError(error, 'folder_mark_unreadable')) throw error;
      const reason = `a mark of the instance cannot be read, and may name the same volumes: ${error.message}`;
      return { folder: name, reason };
    }
    await rm(passing, { recursive: true, force: true });
    return null;
  }
}
