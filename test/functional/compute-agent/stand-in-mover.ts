import { createHash } from 'node:crypto';
import { copyFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type {
  CommandResults,
  DiskDescription,
  DiskDigest,
  RoundFigures,
} from '../../../shared/messaging/commands.ts';
import type {
  Admission,
  ReceiverAdmission,
  RoundWish,
  SenderSupervisor,
  Transfer,
  TransferWatch,
} from '../../../services/compute-agent/mover/mover.ts';

/** Copies within this process, by the contract of the mover: the agent's tests are not about bytes on a wire. */
export class StandInMover {
  readonly admissions = new Map<string, Admission>();
  readonly cancelled: string[] = [];
  readonly transfers: Transfer[] = [];
  readonly rounds: RoundFigures[] = [];
  readonly wishes: RoundWish[] = [];
  /** Migrations whose mover outlived the agent. */
  readonly survivors = new Set<string>();
  /** A copy waits for this; tests hold it open. */
  hold: Promise<void> = Promise.resolve();

  readonly sender: SenderSupervisor = {
    connect: async (transfer) => void this.#admitted(transfer),
    round: (transfer, wish, watch) => this.#round(transfer, wish, watch),
    send: (transfer, watch) => this.#send(transfer, watch),
    has: async (migration) => this.survivors.has(migration),
    limit: () => Promise.resolve(),
    pause: () => Promise.resolve(),
    cancel: async (migration) => void this.cancelled.push(migration),
    close: () => Promise.resolve(),
  };

  readonly receiver: ReceiverAdmission = {
    admit: async (admission) => {
      this.admissions.set(admission.migration_id, admission);
      return { address: '127.0.0.1', port: 22, user: 'drover', host_keys: ['ssh-ed25519 AAAA'] };
    },
    withdraw: async (migration) => void this.admissions.delete(migration),
    verify: async ({ folder, disks }) => ({
      digests: await Promise.all(disks.map((disk) => digest(folder, disk))),
    }),
    close: () => Promise.resolve(),
  };

  async #round(transfer: Transfer, wish: RoundWish, watch: TransferWatch): Promise<readonly RoundFigures[]> {
    this.wishes.push(wish);
    const { sent_bytes } = await this.#send(transfer, watch);
    this.rounds.push({
      round: this.rounds.length + 1,
      read_bytes: sent_bytes,
      changed_bytes: sent_bytes,
      sent_bytes,
      skipped_bytes: 0,
      resent_bytes: 0,
      duration_seconds: 0.1,
      proved_bytes: sent_bytes,
      prove_seconds: 0,
      overhead_seconds: 0,
    });
    return this.rounds;
  }

  async #send(transfer: Transfer, watch: TransferWatch): Promise<CommandResults['copy']> {
    this.transfers.push(transfer);
    const admission = this.#admitted(transfer);
    const total = transfer.disks.reduce((sum, disk) => sum + disk.file_size_bytes, 0);
    const progress = {
      round: 1,
      disk_total_bytes: total,
      disk_processed_bytes: 0,
      disk_remaining_bytes: total,
      sent_bytes: 0,
      skipped_bytes: 0,
      rate_bytes_per_second: 0,
      eta_seconds: null,
    };
    for (let count = 0; count < 50; count += 1)
      watch.onProgress({ ...progress, disk_processed_bytes: count });
    const given_up = Promise.withResolvers<never>();
    watch.signal.addEventListener('abort', () => given_up.reject(watch.signal.reason as Error), {
      once: true,
    });
    await Promise.race([this.hold, given_up.promise]);
    for (const disk of transfer.disks)
      await copyFile(join(transfer.folder, disk.name), join(admission.folder, disk.name));
    return {
      digests: await Promise.all(transfer.disks.map((disk) => digest(transfer.folder, disk))),
      sent_bytes: total,
      skipped_bytes: 0,
      duration_seconds: 0,
      resent_bytes: 0,
      rounds: 1,
    };
  }

  #admitted(transfer: Transfer): Admission {
    const admission = this.admissions.get(transfer.migration_id);
    if (admission !== undefined) return admission;
    throw new DroverError('guest_not_admitted', {
      instance: transfer.folder,
      host: 'target',
      found: 'no key',
    });
  }
}

async function digest(folder: string, { name }: DiskDescription): Promise<DiskDigest> {
  const path = join(folder, name);
  const content = createHash('blake2b512').update(await readFile(path));
  return {
    name,
    algorithm: 'blake2b512',
    digest: content.digest('hex'),
    size_bytes: (await stat(path)).size,
  };
}
