import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { PlacedInstance } from './model.ts';

/**
 * The instances of one host in two flat arrays. A `Map` of small objects costs four times as much, and a
 * snapshot holds a hundred thousand of them; a host has few enough that a look-up may walk them.
 */
export class PlacedInstances implements ReadonlyMap<InstanceId, PlacedInstance> {
  readonly #ids: readonly InstanceId[];
  readonly #placed: ReadonlyArray<Omit<PlacedInstance, 'id'>>;

  private constructor(ids: readonly InstanceId[], placed: ReadonlyArray<Omit<PlacedInstance, 'id'>>) {
    this.#ids = ids;
    this.#placed = placed;
  }

  /** @param intern gives back one object for equal project and image properties, so that servers share it. */
  static from(
    instances: Iterable<PlacedInstance>,
    intern: (placed: Omit<PlacedInstance, 'id'>) => Omit<PlacedInstance, 'id'>,
  ): PlacedInstances {
    const ids: InstanceId[] = [];
    const placed: Array<Omit<PlacedInstance, 'id'>> = [];
    for (const { id, project_id, image_properties } of instances) {
      ids.push(id);
      placed.push(intern({ project_id, image_properties }));
    }
    // Copies have no room to grow in, which pushed arrays keep.
    return new PlacedInstances(ids.slice(), placed.slice());
  }

  get size(): number {
    return this.#ids.length;
  }

  has(id: InstanceId): boolean {
    return this.#ids.includes(id);
  }

  get(id: InstanceId): PlacedInstance | undefined {
    const placed = this.#placed[this.#ids.indexOf(id)];
    return placed && { id, ...placed };
  }

  forEach(
    visit: (placed: PlacedInstance, id: InstanceId, map: ReadonlyMap<InstanceId, PlacedInstance>) => void,
  ): void {
    for (const [id, placed] of this) visit(placed, id, this);
  }

  entries(): MapIterator<[InstanceId, PlacedInstance]> {
    return this.#map().entries();
  }

  keys(): MapIterator<InstanceId> {
    return this.#map().keys();
  }

  values(): MapIterator<PlacedInstance> {
    return this.#map().values();
  }

  [Symbol.iterator](): MapIterator<[InstanceId, PlacedInstance]> {
    return this.entries();
  }

  #map(): Map<InstanceId, PlacedInstance> {
    const map = new Map<InstanceId, PlacedInstance>();
    for (const [index, placed] of this.#placed.entries()) {
      const id = this.#ids[index];
      if (id !== undefined) map.set(id, { id, ...placed });
    }
    return map;
  }
}
