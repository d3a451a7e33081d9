import { setTimeout as delay } from 'node:timers/promises';
import { connectDatabase, type Pool } from '../../shared/database/connect.ts';
import { request, type Session } from '../cluster/api-session.ts';

/** Microversion at which a server needs no network. */
const WITHOUT_NETWORK = '2.37';
/** Small against what is measured, and one indexed row each time: the waiting costs the cluster next to nothing. */
const LOOK_MILLISECONDS = 3;
const WAIT_SECONDS_MAX = 120;

export interface HerdOptions {
  readonly session: Session;
  readonly database_url: string;
  readonly flavor_id: string;
  readonly image_name: string;
}

/** When each of some migrations was asked for and reached its state, on one clock. */
export interface Move {
  readonly server_id: string;
  readonly asked_at: number;
  readonly arrived_at: number;
}

/**
 * The servers that a measurement moves about. Asked for over HTTP; their arrival is read in the database, because
 * asking the api fast enough would take the processor from what is measured.
 */
export class Herd {
  readonly pool: Pool;
  readonly #options: HerdOptions;
  #server_ids: readonly string[] = [];

  constructor(options: HerdOptions) {
    this.#options = options;
    this.pool = connectDatabase(
      { connection: options.database_url, max_pool_size: 4, application_name: 'drover-bench' },
      () => undefined,
    );
  }

  get server_ids(): readonly string[] {
    return this.#server_ids;
  }

  /** Creates servers until there are so many, each with a disk of its own, and waits until all of them run. */
  async grow(count: number): Promise<void> {
    const { session, flavor_id } = this.#options;
    const { images } = await request<{ images: Array<{ id: string; name: string }> }>(
      session,
      'GET',
      '/image/v2/images',
    );
    const image = images.find(({ name }) => name === this.#options.image_name);
    if (image === undefined) throw new Error(`there is no image "${this.#options.image_name}"`);
    const { rows } = await this.pool.query<{ uuid: string }>(
      'select uuid from instances where deleted_at is null order by id',
    );
    const ids = rows.map(({ uuid }) => uuid);
    while (ids.length < count) {
      const body = {
        server: { name: `bench-${ids.length}`, flavorRef: flavor_id, imageRef: image.id, networks: 'none' },
      };
      const path = '/compute/v2.1/servers';
      const made = await request<{ server: { id: string } }>(session, 'POST', path, body, WITHOUT_NETWORK);
      ids.push(made.server.id);
    }
    await this.#until('active', ids, () => true);
    this.#server_ids = ids;
  }

  /** Asks for the migrations of these servers, all at once, and waits for VERIFY_RESIZE. */
  migrate(server_ids: readonly string[]): Promise<Move[]> {
    return this.#move(server_ids, { migrate: null }, 'resized');
  }

  confirm(server_ids: readonly string[]): Promise<Move[]> {
    return this.#move(server_ids, { confirmResize: null }, 'active');
  }

  async #move(server_ids: readonly string[], action: object, vm_state: string): Promise<Move[]> {
    const asked = new Map<string, number>();
    let all_accepted = false;
    const accepted = Promise.all(
      server_ids.map(async (id) => {
        asked.set(id, performance.now());
        await request(this.#options.session, 'POST', `/compute/v2.1/servers/${id}/action`, action);
      }),
    ).then(() => {
      all_accepted = true;
    });
    const [arrived] = await Promise.all([this.#until(vm_state, server_ids, () => all_accepted), accepted]);
    return server_ids.map((id) => ({
      server_id: id,
      asked_at: asked.get(id) ?? 0,
      arrived_at: arrived.get(id) ?? 0,
    }));
  }

  /**
   * @param isAccepted from then on a server that rests where it was has failed to move; one that confirms rests anyway
   * @returns when each was first seen in the state, with no task left
   * @throws Error for one that failed, and when it takes too long
   */
  async #until(
    vm_state: string,
    server_ids: readonly string[],
    isAccepted: () => boolean,
  ): Promise<Map<string, number>> {
    const arrived = new Map<string, number>();
    const what = `${server_ids.length} servers to be ${vm_state}`;
    const deadline = performance.now() + WAIT_SECONDS_MAX * 1000;
    while (arrived.size < server_ids.length) {
      const is_accepted = isAccepted();
      const { rows } = await this.pool.query<{ uuid: string; vm_state: string }>({
        name: 'resting',
        text: 'select uuid, vm_state from instances where uuid = any ($1::uuid[]) and task_state is null',
        values: [server_ids.filter((id) => !arrived.has(id))],
      });
      const now = performance.now();
      for (const row of rows) {
        if (row.vm_state === vm_state) arrived.set(row.uuid, now);
        else if (row.vm_state === 'error' || (is_accepted && vm_state === 'resized'))
          throw new Error(`waited for ${what}: ${row.uuid} is ${row.vm_state}`);
      }
      if (now > deadline) throw new Error(`waited ${WAIT_SECONDS_MAX} s for ${what}: ${arrived.size} are`);
      await delay(LOOK_MILLISECONDS);
    }
    return arrived;
  }

  /** Median milliseconds from a step's order to its end, of all migrations since; the steps in their order. */
  async stepMedians(since: Date): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ step: string; milliseconds: number }>(
      `select step, percentile_cont(0.5) within group (order by milliseconds) as milliseconds
       from (select s.step, min(s.id) as id,
                    extract(epoch from max(s.at) filter (where s.event = 'done')
                                     - min(s.at) filter (where s.event = 'ordered')) * 1000 as milliseconds
             from operation_steps s join operations o on o.id = s.operation_id
             where o.kind = 'cold' and o.created_at >= $1 and s.direction = 'action'
             group by o.id, s.step) as steps
       where milliseconds is not null group by step order by min(id)`,
      [since],
    );
    return Object.fromEntries(rows.map(({ step, milliseconds }) => [step, Math.round(milliseconds)]));
  }

  async now(): Promise<Date> {
    const { rows } = await this.pool.query<{ now: Date }>('select clock_timestamp() as now');
    return rows[0]?.now ?? new Date();
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
