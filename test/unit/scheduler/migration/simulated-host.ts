import { PowerState } from '../../../../shared/domain/states.ts';
import type {
  CommandName,
  CommandResults,
  DiskDescription,
  TransferTotals,
} from '../../../../shared/messaging/commands.ts';
import type { Order } from '../../../../services/scheduler/migration/outcome.ts';

export type CommandOrder = Extract<Order, { type: 'command' }>;

/** @param below what the disk stands on */
const disksOn = (below: string): readonly DiskDescription[] => [
  {
    name: 'disk',
    format: 'raw',
    virtual_size_bytes: 1024,
    file_size_bytes: 1024,
    allocated_bytes: 1024,
    backing: { image_id: '', sha512: below, format: 'raw', size_bytes: 512 },
  },
];

/** The guest's content: copying must carry it, nothing may lose it. */
const CONTENT = 'the-guest';

/**
 * One host as the agent's contract describes it (shared/messaging/commands.ts): folders with their content, a guest
 * that is defined or not, the highest epoch seen. Every command may come twice.
 */
export class SimulatedHost {
  home: string | null = null;
  staging: string | null = null;
  retired: string | null = null;
  withdrawn: string | null = null;
  running = false;
  epoch = 0;
  /** The other hosts, for `copy` to reach the target's staging folder. */
  peers: () => readonly SimulatedHost[] = () => [];
  /** So many copies arrive here damaged. */
  corrupts = 0;
  /** What its senders have sent for this migration, those that died too; null: it does not know. */
  sent_in_all: TransferTotals | null = null;
  /** Whether it can tell where: it knows what was sent. */
  names_damage = true;
  /** What the guest's disk stands on, at its source. */
  below = 'base';
  /** So often somebody writes to that while these run. */
  readonly changes_below = { precopy: 0, copy: 0 };
  /** What it has been asked to take for that. */
  agreed_below: string | null = null;
  /** So often the target finds that it has not what it has agreed to. */
  readonly damages_below = { admit: 0, copy: 0 };

  /** It tells of a change whether or not it was asked to. */
  tells_unasked = false;

  /** @returns the result, or a word of refusal. */
  run(order: CommandOrder): { result: CommandResults[CommandName] } | { refused: string } {
    if (order.epoch < this.epoch) return { refused: 'stale_epoch' };
    this.epoch = order.epoch;
    const power_state = () => (this.running ? PowerState.running : PowerState.shutdown);
    switch (order.command) {
      case 'spawn':
        this.home ??= CONTENT;
        this.running = true;
        return { result: { power_state: power_state() } };
      case 'destroy':
        this.home = this.staging = this.retired = this.withdrawn = null;
        this.running = false;
        return { result: {} };
      case 'power_on':
      case 'reboot':
        if (this.home === null) return { refused: 'guest_not_defined' };
        this.running = true;
        return { result: { power_state: power_state() } };
      case 'power_off':
        this.running = false;
        return { result: { power_state: power_state() } };
      case 'survey':
        if (this.home === null) return { refused: 'guest_not_defined' };
        return {
          result: {
            disks: disksOn(this.below),
            power_state: power_state(),
            public_key: 'key',
            source_address: '127.0.1.1',
          },
        };
      case 'admit':
        if (this.home !== null) return { refused: 'name_clash' };
        this.staging ??= '';
        if ('disks' in order.arguments) this.agreed_below = order.arguments.disks[0]?.backing?.sha512 ?? null;
        return {
          result: {
            endpoint: { address: '127.0.1.2', port: 22, user: 'drover', host_keys: ['k'] },
            needs_prepare: true,
            prepare_bytes: 77,
            ...('disks' in order.arguments ? { transfer_disks: order.arguments.disks } : {}),
          },
        };
      case 'unadmit':
        this.staging = null;
        return { result: {} };
      case 'connect':
      case 'prepare':
      case 'upload':
      case 'discard_extract':
      case 'abort_copy':
      case 'limit':
      case 'pause_copy':
        return { result: {} };
      case 'extract':
        if (this.home === null) return { refused: 'guest_not_defined' };
        return { result: { size_bytes: 1, sha512: 'ab'.repeat(64), held_seconds: 0 } };
      case 'stop': {
        const was_running = this.running;
        this.running = false;
        return { result: { was_running, forced: false } };
      }
      case 'precopy': {
        const target = this.peers().find((peer) => peer.staging !== null);
        if (target === undefined) return { refused: 'mover_connection_lost' };
        // What a guest that runs has written since is not there yet.
        target.staging = 'a-round';
        const found = this.#changed('precopy', order);
        if ('refused' in found) return found;
        return {
          result: {
            ...found,
            rounds: [round(1, 900), round(2, 100)],
            predicted_downtime_seconds: 2,
            ended: 'fits_budget',
          },
        };
      }
      case 'copy': {
        if (this.running) return { refused: 'guest_runs' };
        const target = this.peers().find((peer) => peer.staging !== null);
        if (target === undefined) return { refused: 'mover_connection_lost' };
        target.staging = target.corrupts > 0 ? DAMAGED : this.home;
        target.corrupts = Math.max(target.corrupts - 1, 0);
        const found = this.#changed('copy', order);
        if ('refused' in found) return found;
        return {
          result: {
            ...found,
            digests: [digest(this.home)],
            sent_bytes: 1024,
            skipped_bytes: 0,
            duration_seconds: 1,
            resent_bytes: 0,
            rounds: 1,
            ...(this.sent_in_all === null ? {} : { total: this.sent_in_all }),
          },
        };
      }
      case 'verify':
        return this.staging === null ? { refused: 'not_admitted' } : this.#verified(this.staging, order);
      case 'retire':
        if (this.home !== null) [this.retired, this.home] = [this.home, null];
        return this.retired === null ? { refused: 'guest_not_defined' } : { result: {} };
      case 'unretire':
        if (this.retired !== null) [this.home, this.retired] = [this.retired, null];
        return { result: {} };
      case 'adopt':
        if (this.staging !== null) [this.home, this.staging] = [this.staging, null];
        if (this.home === null) return { refused: 'not_admitted' };
        this.running = order.arguments && 'power_on' in order.arguments ? order.arguments.power_on : false;
        return { result: { power_state: power_state() } };
      case 'unadopt':
        this.home = this.staging = null;
        this.running = false;
        return { result: {} };
      case 'check':
        return this.home === null
          ? { refused: 'guest_not_defined' }
          : { result: { power_state: power_state() } };
      case 'discard_source':
        this.retired = null;
        return { result: {} };
      case 'withdraw': {
        const was_running = this.running;
        this.running = false;
        if (this.home !== null) [this.withdrawn, this.home] = [this.home, null];
        return { result: { was_running } };
      }
      case 'unwithdraw':
        if (this.withdrawn !== null) [this.home, this.withdrawn] = [this.withdrawn, null];
        this.running = 'power_on' in order.arguments ? order.arguments.power_on : false;
        return { result: { power_state: power_state() } };
      case 'restore':
        if (this.retired !== null) [this.home, this.retired] = [this.retired, null];
        if (this.home === null) return { refused: 'guest_not_defined' };
        this.running = 'power_on' in order.arguments ? order.arguments.power_on : false;
        return { result: { power_state: power_state() } };
      case 'unrestore':
        this.running = false;
        if (this.home !== null) [this.retired, this.home] = [this.home, null];
        return { result: {} };
      case 'discard_target':
        this.withdrawn = null;
        return { result: {} };
      default:
        return order.command satisfies never;
    }
  }

  /** Of what the disk stands on: told if that was asked for, else a failure. */
  #changed(step: 'precopy' | 'copy', order: CommandOrder): Pick<CommandResults['copy'], 'changed'> | Refusal {
    if (this.changes_below[step] > 0) {
      this.changes_below[step] -= 1;
      this.below = `${this.below}-changed`;
    }
    const agreed = 'disks' in order.arguments ? order.arguments.disks[0]?.backing?.sha512 : undefined;
    if (agreed === this.below) return {};
    if (!this.#tells(order)) return { refused: 'backing_image_changed' };
    return { changed: { message: 'The base has changed.', disks: disksOn(this.below) } };
  }

  #verified(content: string, order: CommandOrder): { readonly result: CommandResults['verify'] } | Refusal {
    for (const again of ['admit', 'copy'] as const) {
      if (this.damages_below[again] === 0) continue;
      this.damages_below[again] -= 1;
      if (!this.#tells(order)) return { refused: 'backing_image_changed' };
      // What lies in its cache it looks at before it reads any disk.
      const digests = again === 'admit' ? [] : [digest(content)];
      return { result: { digests, changed: { message: 'The base is damaged.', again } } };
    }
    return { result: { digests: [digest(content)], ...this.#damage() } };
  }

  #tells({ arguments: told }: CommandOrder): boolean {
    return this.tells_unasked || ('tells_changes' in told && told.tells_changes);
  }

  #damage(): Pick<CommandResults['verify'], 'damaged' | 'damaged_count'> {
    if (this.staging !== DAMAGED || !this.names_damage) return { damaged: [], damaged_count: 0 };
    return { damaged: [{ disk: 'disk', offset_bytes: 512, length_bytes: 256 }], damaged_count: 1 };
  }
}

const DAMAGED = 'something-else';

interface Refusal {
  readonly refused: string;
}

const round = (number: number, sent_bytes: number): CommandResults['precopy']['rounds'][number] => ({
  round: number,
  read_bytes: 1024,
  changed_bytes: sent_bytes,
  sent_bytes,
  skipped_bytes: 1024 - sent_bytes,
  resent_bytes: 0,
  duration_seconds: 1,
  proved_bytes: sent_bytes,
  prove_seconds: 0.1,
  overhead_seconds: 0.01,
});

function digest(content: string | null): CommandResults['verify']['digests'][number] {
  return { name: 'disk', algorithm: 'blake2b512', digest: content ?? 'nothing', size_bytes: 1024 };
}
