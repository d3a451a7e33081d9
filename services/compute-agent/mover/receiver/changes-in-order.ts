import type { MigrationId } from '../../../../shared/domain/ids.ts';

/** One change of a migration's file after the other: a late one must not bring back what was removed. */
export class ChangesInOrder {
  readonly #changing = new Map<MigrationId, Promise<void>>();

  /** @throws what the change throws; the next one is made all the same */
  add(migration: MigrationId, change: () => Promise<void>): Promise<void> {
    const changing = (this.#changing.get(migration) ?? Promise.resolve()).then(change);
    const settled = changing
      .catch(() => undefined)
      .then(() => {
        if (this.#changing.get(migration) === settled) this.#changing.delete(migration);
      });
    this.#changing.set(migration, settled);
    return changing;
  }
}
