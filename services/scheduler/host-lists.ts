import { createHash } from 'node:crypto';
import type { Queryable } from '../../shared/database/connect.ts';
import type { HostName } from '../../shared/domain/ids.ts';

/**
 * The hosts that decisions considered, each list stored once. A list is what one snapshot holds, in its order: a new one
 * comes when a host is added or removed, so there are few. They are kept for good: ten thousand names are some 30 kB.
 */
export class HostLists {
  readonly #database: Queryable;
  /** By the array itself: a snapshot keeps the same one as long as its hosts are the same. */
  readonly #digests = new WeakMap<readonly HostName[], string>();
  readonly #stored = new Set<string>();

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** The name under which `store` has put this list, or will. */
  digestOf(names: readonly HostName[]): string {
    const known = this.#digests.get(names);
    if (known !== undefined) return known;
    const hash = createHash('sha256');
    // Names of hosts hold no line ends.
    for (const name of names) hash.update(name).update('\n');
    const digest = hash.digest('hex');
    this.#digests.set(names, digest);
    return digest;
  }

  /**
   * Stores the list unless it is there. In a transaction of its own, before any that refers to it: two schedulers that
   * store the same list wait for each other, and must hold no host meanwhile.
   */
  async store(names: readonly HostName[]): Promise<void> {
    const digest = this.digestOf(names);
    if (this.#stored.has(digest)) return;
    await this.#database.query(
      'insert into decision_host_lists (digest, names) values ($1, $2::text[]) on conflict do nothing',
      [digest, names],
    );
    this.#stored.add(digest);
  }
}

/** @throws Error when there is no such list: then the database was not written by this code */
export async function readHostList(database: Queryable, digest: string): Promise<readonly HostName[]> {
  const { rows } = await database.query<{ names: HostName[] }>(
    'select names from decision_host_lists where digest = $1',
    [digest],
  );
  const [row] = rows;
  if (row === undefined)
    throw new Error(`a decision refers to the list of hosts ${digest}, which is not stored`);
  return row.names;
}
