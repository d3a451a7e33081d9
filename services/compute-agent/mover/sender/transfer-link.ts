import { randomUUID } from 'node:crypto';
import type { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { LeafTable } from '../disks/leaf-table.ts';
import type { Transfer } from '../mover.ts';
import type { ReceiverLink } from './receiver-link.ts';
import { openSshLink, type SshLinkOptions } from './ssh-link.ts';

export type OpenLink = (options: SshLinkOptions) => Promise<ReceiverLink>;

/** The leading connection of a transfer, kept from its login over all rounds as long as nothing breaks. */
export class TransferLink {
  readonly #transfer: Transfer;
  readonly #open: OpenLink;
  /** Of the link there is: what is still on its way over an earlier one is not taken for part of it. */
  #session = randomUUID();
  #link: ReceiverLink | null = null;
  #fatal: DroverError | null = null;
  #is_being_made = false;
  /** What the receiver holds, as long as nothing broke since. */
  held: readonly LeafTable[] | null = null;

  constructor(transfer: Transfer, open: OpenLink = openSshLink) {
    this.#transfer = transfer;
    this.#open = open;
  }

  /** Why nothing is tried any more; null: it is. */
  get fatal(): DroverError | null {
    return this.#fatal;
  }

  /** Whoever makes one decides when it cannot be made. */
  get is_being_made(): boolean {
    return this.#is_being_made;
  }

  /** The link there is, else a new one. @throws LinkFailure, ConnectionClosed, ProtocolError, RemoteFailure, what `abort` was told */
  async ensure(): Promise<ReceiverLink> {
    if (this.#fatal !== null) throw this.#fatal;
    if (this.#link !== null && !this.#link.connection.closed) return this.#link;
    this.#forgetHeld();
    this.#session = randomUUID();
    this.#is_being_made = true;
    const link = await this.openStream(0).finally(() => (this.#is_being_made = false));
    if (this.#fatal !== null) {
      link.destroy();
      throw this.#fatal;
    }
    this.#link = link;
    return link;
  }

  /** Logs in and says hello. @param stream its number in the session: 0 leads */
  async openStream(stream: number): Promise<ReceiverLink> {
    const { endpoint, private_key, local_address, migration_id } = this.#transfer;
    const link = await this.#open({ endpoint, private_key, local_address });
    try {
      await link.greet({ migration_id, session: this.#session, stream });
    } catch (error) {
      link.destroy();
      throw error;
    }
    return link;
  }

  /** The next `ensure` makes a new one. */
  drop(): void {
    this.#link?.destroy();
    this.#link = null;
    this.#forgetHeld();
  }

  #forgetHeld(): void {
    for (const table of this.held ?? []) table.close();
    this.held = null;
  }

  /** For ever: whoever uses it now fails, and so does `ensure`. */
  abort(error: DroverError): void {
    this.#fatal ??= error;
    this.#link?.destroy();
  }
}
