import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import type { PowerState } from '../../../../shared/domain/states.ts';
import { makeFolder } from '../../folders/durable.ts';
import type { GuestDefinition } from '../hypervisor.ts';

/** A simulated guest, as its file has it. */
export interface GuestState {
  readonly definition: GuestDefinition;
  readonly power_state: PowerState;
  /** New with each start of the guest, never with a start of the agent: a real guest does not notice that either. */
  readonly boot_id: string | null;
  /** Blocks that the guest has written to its disk since it was defined. */
  readonly written_blocks: number;
}

/**
 * One file per guest, replaced whole. It plays the part of the hypervisor daemon's memory, which outlives the agent
 * but not the machine, so nothing is flushed to the disk.
 */
export class GuestStateFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(): Promise<Map<InstanceId, GuestState>> {
    await makeFolder(this.#folder);
    const guests = new Map<InstanceId, GuestState>();
    for (const name of await readdir(this.#folder)) {
      if (!name.endsWith('.json')) continue;
      const state = JSON.parse(await readFile(join(this.#folder, name), 'utf8')) as GuestState;
      guests.set(state.definition.spec.id, state);
    }
    return guests;
  }

  async write(state: GuestState): Promise<void> {
    const path = this.#path(state.definition.spec.id);
    await writeFile(`${path}.draft`, JSON.stringify(state), { mode: 0o600 });
    await rename(`${path}.draft`, path);
  }

  async remove(id: InstanceId): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  #path(id: InstanceId): string {
    return join(this.#folder, `${id}.json`);
  }
}
