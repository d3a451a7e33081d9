import type {
  FoundVolume,
  GroupFigures,
  LogicalVolumes,
  PlannedVolume,
  VolumeName,
} from '../../../../services/compute-agent/volumes/logical-volumes.ts';

export const EXTENT_BYTES = 4;
export const GROUP = 'instances';

/** One group, and a machine that may die at any change of it: before it is made, or after. */
export class VolumesInMemory implements LogicalVolumes {
  readonly size_bytes: number;
  readonly found = new Map<string, FoundVolume>();
  death: 'before' | 'after' | null = null;

  constructor(size_bytes = 1000) {
    this.size_bytes = size_bytes;
  }

  put(name: string, tag: string, size_bytes = EXTENT_BYTES): void {
    this.found.set(name, { name, size_bytes, tags: [tag], path: `/dev/${GROUP}/${name}` });
  }

  figures(): Promise<GroupFigures> {
    const used_bytes = [...this.found.values()].reduce((sum, { size_bytes }) => sum + size_bytes, 0);
    const { size_bytes } = this;
    return Promise.resolve({ size_bytes, free_bytes: size_bytes - used_bytes, extent_bytes: EXTENT_BYTES });
  }

  list(): Promise<readonly FoundVolume[]> {
    return Promise.resolve([...this.found.values()]);
  }

  create({ name, size_bytes }: PlannedVolume, tag: string): Promise<void> {
    return this.#change(() => {
      if (this.found.has(name)) throw new Error(`${name} is there`);
      this.put(name, tag, size_bytes);
    });
  }

  remove({ name }: VolumeName): Promise<void> {
    return this.#change(() => {
      if (!this.found.delete(name)) throw new Error(`${name} is not there`);
    });
  }

  async #change(change: () => void): Promise<void> {
    const { death } = this;
    this.death = null;
    if (death === 'before') throw new Error('died before');
    change();
    if (death === 'after') throw new Error('died after');
  }
}
