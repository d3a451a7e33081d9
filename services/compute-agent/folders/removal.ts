import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceId, type InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { volumesOf } from '../volumes/marked-volumes.ts';
import { readMark, type InstanceMark } from './mark.ts';

/** Folders on their way in or out: nothing reads them, the next start removes them. */
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

/**
 * Removes the volumes that a removed folder's mark names, but for those that other folders of its instance name. It may be
 * called again for the same ones.
 */
export type RemoveVolumes = (mark: InstanceMark, others: readonly InstanceMark[]) => Promise<void>;

/** The second half of a removal: of folders whose names are gone already. Whoever asks for the same one joins. */
export class Removals {
  readonly #path: string;
  readonly #readOthers: (id: InstanceId) => Promise<readonly InstanceMark[] | null>;
  readonly #removeVolumes: RemoveVolumes;
  readonly #running = new Map<string, Promise<void>>();

  /**
   * @param options.readOthers marks of an instance's folders; null when one of them cannot be read: then volumes may be
   * anybody's, and the folder that is to go is left for another time
   */
  constructor(options: {
    readonly path: string;
    readonly readOthers: (id: InstanceId) => Promise<readonly InstanceMark[] | null>;
    readonly removeVolumes: RemoveVolumes;
  }) {
    this.#path = options.path;
    this.#readOthers = options.readOthers;
    this.#removeVolumes = options.removeVolumes;
  }

  /** Those of one instance. @throws whatever keeps a volume from being removed */
  async finish(id: InstanceId): Promise<void> {
    for (const removal of await this.#begun()) if (removal.id === id) await this.#join(removal.name, id);
  }

  /** All of them. @returns those that could not be finished now */
  async finishAll(): Promise<readonly LeftAlone[]> {
    const left: LeftAlone[] = [];
    for (const { name, id } of await this.#begun()) {
      try {
        await this.#join(name, id);
      } catch (error) {
        if (!(error instanceof DroverError)) throw error;
        left.push({ folder: name, reason: error.message });
      }
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

  #join(name: string, id: InstanceId): Promise<void> {
    const running =
      this.#running.get(name) ?? this.#remove(name, id).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  /** Volumes first: the folder's mark is what knows of them. */
  async #remove(name: string, id: InstanceId): Promise<void> {
    const passing = join(this.#path, name);
    const mark = await readMark(passing).catch(() => null);
    if (mark !== null && volumesOf(mark).length > 0) {
      const others = await this.#readOthers(id);
      if (others === null) return;
      await this.#removeVolumes(mark, others);
    }
    await rm(passing, { recursive: true, force: true });
  }
}
