import type { HostName } from '../../../shared/domain/ids.ts';

/** Declares the queue of each host once per connection: agents may declare nothing, and wait for theirs. */
export class AgentQueues {
  readonly #declare: (host: HostName) => Promise<void>;
  readonly #declared = new Map<HostName, Promise<void>>();

  constructor(declare: (host: HostName) => Promise<void>) {
    this.#declare = declare;
  }

  /** Resolves when the host's queue is there. A failure is not remembered: the next report tries again. */
  async ensure(host: HostName): Promise<void> {
    let declaring = this.#declared.get(host);
    if (declaring === undefined) {
      declaring = this.#declare(host);
      this.#declared.set(host, declaring);
      declaring.catch(() => this.#declared.delete(host));
    }
    await declaring;
  }

  /** The broker may have lost what was declared: everything is declared again when it is next needed. */
  forget(): void {
    this.#declared.clear();
  }
}
