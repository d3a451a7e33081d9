import type { OperationId } from '../../../shared/domain/ids.ts';
import type { Driver, EventOf } from '../drive/driver.ts';
import { startOf, wakeOf } from '../drive/driver.ts';
import type { DriveServices } from '../drive/services.ts';
import { confirmDue } from './confirm-due.ts';
import { hostOfOrder, readUnfinished, renewLeases, type Unfinished } from './unfinished.ts';

/**
 * Finds what was missed. It takes no input and keeps no memory: every look reads the rows and delivers to the driver
 * what should have happened. With every message lost it alone keeps everything going, only slower.
 */
export class Reconciler {
  readonly #services: DriveServices;
  readonly #driver: Driver;
  #looking: Promise<void> | null = null;
  #again = false;

  constructor(services: DriveServices, driver: Driver) {
    this.#services = services;
    this.#driver = driver;
  }

  /** One look. Called while one runs, it makes that one look once more. Never rejects: the next tick tries again. */
  async look(): Promise<void> {
    this.#again = true;
    this.#looking ??= this.#run().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#lookOnce();
      } catch (error) {
        this.#services.log.error({ error }, 'could not reconcile; the next look tries again');
      }
    }
  }

  async #lookOnce(): Promise<void> {
    const { pool, scheduler_id, lease_seconds, snapshot, turnsChanged } = this.#services;
    await renewLeases(pool, scheduler_id, lease_seconds);
    await snapshot.refresh();
    const confirmed = await confirmDue(pool);
    const unfinished = await readUnfinished(pool, scheduler_id);
    const work = [
      ...confirmed.map((id) => this.#deliver(id, startOf)),
      ...unfinished.map((found) => this.#takeUp(found)),
    ];
    await Promise.all(work);
    // A turn may have been given back by a scheduler that did not live to see who is next.
    turnsChanged();
  }

  async #takeUp({ id, cause }: Unfinished): Promise<void> {
    switch (cause) {
      case 'never_started':
      case 'predecessor_ended':
        return await this.#deliver(id, startOf);
      case 'cancel_or_resume':
        return await this.#deliver(id, wakeOf);
      case 'lease_expired':
        return await this.#deliver(id, leaseExpiredOf);
      case 'deadline_passed':
        return await this.#deliver(id, await this.#deadlineOf(id));
      default:
        return cause satisfies never;
    }
  }

  async #deadlineOf(id: OperationId): Promise<EventOf> {
    const host = await hostOfOrder(this.#services.pool, id);
    const host_is_up = host === null || this.#services.snapshot.isUp(host);
    return (loaded) => (loaded.deadline_passed ? { type: 'deadline_elapsed', host_is_up } : null);
  }

  /** One operation that cannot be driven must not keep the others from it. */
  async #deliver(id: OperationId, eventOf: EventOf): Promise<void> {
    try {
      await this.#driver.deliver(id, eventOf);
    } catch (error) {
      this.#services.log.error(
        { error, operation: id },
        'could not take an operation up; the next look tries again',
      );
    }
  }
}

const leaseExpiredOf: EventOf = ({ lease_is_expired, world: { operation } }) =>
  lease_is_expired && (operation.state === 'running' || operation.state === 'unwinding')
    ? { type: 'lease_expired' }
    : null;
