import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InstanceFolders } from '../../../../services/compute-agent/folders/instance-folders.ts';
import { readMark, type InstanceMark } from '../../../../services/compute-agent/folders/mark.ts';
import type { RemoveVolumes } from '../../../../services/compute-agent/folders/removal.ts';
import { HostVolumes } from '../../../../services/compute-agent/volumes/host-volumes.ts';
import { volumesOf } from '../../../../services/compute-agent/volumes/marked-volumes.ts';
import type { MigrationId } from '../../../../shared/domain/ids.ts';
import { isDroverError } from '../../../../shared/errors/drover-error.ts';
import { HOST, newMigrationId, sampleSpec } from '../samples.ts';
import { GROUP, VolumesInMemory } from './volumes-in-memory.ts';

/** Orders of a scheduler as they may come, in any order, and a host that may die at any change of a volume. */
const orders = [
  'admit',
  'prepare',
  'adopt',
  'unadmit',
  'retire',
  'restore',
  'discard_source',
  'destroy',
] as const;
const act = fc.record({
  // The way in more often than the ways out, so that there is something to lose.
  order: fc.oneof(
    fc.constantFrom(...orders),
    fc.constantFrom('admit' as const, 'prepare' as const),
    fc.constant('prepare' as const),
  ),
  death: fc.constantFrom('before' as const, 'after' as const, null, null),
});

const FOREIGN = 'an-operators';
const spec = sampleSpec();
const { id } = spec;

class Host {
  readonly volumes = new VolumesInMemory();
  readonly path: string;
  folders!: InstanceFolders;
  #host!: HostVolumes;
  #migration: MigrationId = newMigrationId();

  constructor(path: string) {
    this.path = path;
    this.volumes.put(FOREIGN, 'gold');
  }

  async start(): Promise<void> {
    const removeVolumes: RemoveVolumes = (mark, readOthers) => this.#host.removeWith(mark, readOthers);
    this.folders = new InstanceFolders({ instances_path: this.path, host: HOST, removeVolumes });
    this.#host = new HostVolumes({ host: HOST, volumes: this.volumes, folders: this.folders });
    await this.folders.load();
  }

  /** As the commands do it. @throws what the folders refuse */
  async obey(order: (typeof orders)[number]): Promise<unknown> {
    const migration_id = this.#migration;
    const both = { owner: migration_id, migration_id, epoch: 1 } as const;
    switch (order) {
      case 'admit':
        return this.#admit();
      case 'prepare':
        return this.#prepare();
      case 'adopt':
        return this.folders.move(id, { from: 'staging', to: 'home', ...both });
      case 'unadmit':
        await this.folders.remove(id, 'staging', migration_id);
        this.#migration = newMigrationId();
        return undefined;
      case 'retire':
        return this.folders.move(id, { from: 'home', to: 'retired', ...both, owner: 'anyone' });
      case 'restore':
        return this.folders.move(id, { from: 'retired', to: 'home', ...both });
      case 'discard_source':
        return this.folders.remove(id, 'retired', migration_id);
      case 'destroy':
        for (const role of ['home', 'staging', 'retired', 'withdrawn'] as const)
          await this.folders.remove(id, role, 'anyone');
        return undefined;
      default:
        return order satisfies never;
    }
  }

  async #admit(): Promise<unknown> {
    for (const role of ['home', 'retired'] as const)
      if ((await this.folders.read(id, role)) !== null) return undefined;
    const present = await this.folders.read(id, 'staging');
    const volume = await this.#host.plan(GROUP, id, { name: 'disk', size_bytes: 6 });
    const mark: InstanceMark = {
      instance_id: id,
      migration_id: this.#migration,
      epoch: 1,
      role: 'staging',
      spec,
      disks: present?.disks ?? [{ name: 'disk', format: 'raw', backing: null }],
      reserved_bytes: 0,
      conversions: [{ name: 'disk', format: 'raw', volume }],
    };
    return this.#host.promising(mark, () => this.folders.make(mark));
  }

  async #prepare(): Promise<void> {
    const mark = await this.folders.read(id, 'staging');
    const volume = mark?.conversions?.[0]?.volume;
    if (mark === null || volume === undefined || mark.disks[0]?.volume !== undefined) return;
    await this.#host.make(id, volume);
    await this.folders.write({ ...mark, disks: [{ name: 'disk', format: 'raw', backing: null, volume }] });
  }

  /** All marks that are there, also of folders that are on their way out. */
  async marks(): Promise<readonly InstanceMark[]> {
    const found = await Promise.all(readdirSync(this.path).map((name) => readMark(join(this.path, name))));
    return found.filter((mark) => mark !== null);
  }
}

test('no volume is there that no mark names, and no disk without its volume', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 16 }), async (acts) => {
      const path = mkdtempSync(join(tmpdir(), 'drover-volume-lives-'));
      try {
        const host = new Host(path);
        await host.start();
        for (const { order, death } of acts) {
          host.volumes.death = death;
          const failure: unknown = await host.obey(order).then(
            () => null,
            (error: unknown) => error,
          );
          if (failure !== null && !isDroverError(failure)) {
            expect(failure).toMatchObject({ message: expect.stringMatching(/^died/) as unknown });
            await host.start();
            expect(readdirSync(path).filter((name) => name.startsWith('.'))).toEqual([]);
          }
          host.volumes.death = null;
          const marks = await host.marks();
          const named = marks.flatMap(volumesOf).map(({ name }) => name);
          expect([FOREIGN, ...named]).toEqual(expect.arrayContaining([...host.volumes.found.keys()]));
          expect(host.volumes.found.has(FOREIGN)).toBe(true);
          const kept = readdirSync(path).filter((name) => name.startsWith(id));
          for (const folder of kept)
            for (const { volume } of (await readMark(join(path, folder)))?.disks ?? [])
              if (volume !== undefined) expect(host.volumes.found.has(volume.name)).toBe(true);
        }
        await host.obey('destroy');
        await host.start();
        expect([[...host.volumes.found.keys()], readdirSync(path)]).toEqual([[FOREIGN], []]);
      } finally {
        rmSync(path, { recursive: true });
      }
    }),
    { numRuns: 25 },
  );
});
