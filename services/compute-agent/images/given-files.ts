import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { Asker } from './shared-work.ts';

/**
 * Whose commands were lately told that a file of the cache is there and good: a disk that is made on it after that may not
 * be on the disk yet. Monotonic.
 */
export class GivenFiles {
  readonly #kept_milliseconds: number;
  readonly #given = new Map<string, Map<InstanceId, number>>();

  constructor(kept_seconds: number) {
    this.#kept_milliseconds = kept_seconds * 1000;
  }

  note(sha512: string, { instance_id }: Asker): void {
    if (instance_id === undefined) return;
    const given = this.#recently(sha512);
    given.set(instance_id, performance.now());
    this.#given.set(sha512, given);
  }

  toOthers(sha512: string, instance_id: InstanceId): boolean {
    return [...this.#recently(sha512).keys()].some((id) => id !== instance_id);
  }

  forget(sha512: string): void {
    this.#given.delete(sha512);
  }

  #recently(sha512: string): Map<InstanceId, number> {
    const oldest = performance.now() - this.#kept_milliseconds;
    return new Map([...(this.#given.get(sha512) ?? [])].filter(([, given_at]) => given_at > oldest));
  }
}
