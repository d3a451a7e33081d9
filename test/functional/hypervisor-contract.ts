import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Hypervisor } from '../../services/compute-agent/hypervisor/hypervisor.ts';
import { PowerState } from '../../shared/domain/states.ts';
import { newInstanceId, sampleSpec } from '../unit/compute-agent/samples.ts';

export interface HypervisorUnderTest {
  /** Folder for the guests' disks. */
  readonly folder: string;
  open(): Promise<Hypervisor>;
  cleanUp(): Promise<void>;
}

/** What every driver owes (services/compute-agent/hypervisor/hypervisor.ts). Run on each of them. */
export function hypervisorContract(name: string, prepare: () => Promise<HypervisorUnderTest>): void {
  describe(`hypervisor contract: ${name}`, () => {
    let subject: HypervisorUnderTest;
    let hypervisor: Hypervisor;
    const spec = sampleSpec();
    const { id } = spec;

    beforeEach(async () => {
      subject = await prepare();
      hypervisor = await subject.open();
    });
    afterEach(async () => {
      await hypervisor.undefine(id);
      await hypervisor.close();
      await subject.cleanUp();
    });

    const define = async () => {
      const folder = join(subject.folder, id);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'disk'), 'x'.repeat(8192));
      const disk = {
        name: 'disk',
        format: 'raw',
        virtual_size_bytes: 8192,
        file_size_bytes: 8192,
        allocated_bytes: 8192,
        backing: null,
      } as const;
      await hypervisor.define({ spec, folder, disks: [disk] });
      return disk;
    };
    const powerState = async () => (await hypervisor.describe(id))?.power_state ?? null;

    test('its inventory has whole amounts', async () => {
      const { inventory, hypervisor_hostname } = await hypervisor.inventory();
      expect(hypervisor_hostname).not.toBe('');
      for (const amount of Object.values(inventory))
        expect(Number.isSafeInteger(amount) && amount >= 0).toBe(true);
    });

    test('defining does not start, and may be repeated', async () => {
      const disk = await define();
      await define();
      expect(await powerState()).toBe(PowerState.shutdown);
      expect(await hypervisor.list()).toEqual([{ id, power_state: PowerState.shutdown }]);
      expect(await hypervisor.disks(id)).toMatchObject([
        { name: disk.name, format: 'raw', virtual_size_bytes: 8192, file_size_bytes: 8192, backing: null },
      ]);
    });

    test('start, stop and reset, each twice', async () => {
      await define();
      for (const _ of [1, 2]) await hypervisor.start(id);
      expect(await powerState()).toBe(PowerState.running);
      for (const _ of [1, 2]) await hypervisor.reset(id);
      expect(await powerState()).toBe(PowerState.running);
      for (const _ of [1, 2]) expect(await hypervisor.stop(id, 1)).toEqual({ forced: false });
      expect(await powerState()).toBe(PowerState.shutdown);
    });

    test('a new definition of a running guest does not stop it', async () => {
      await define();
      await hypervisor.start(id);
      await define();
      expect(await powerState()).toBe(PowerState.running);
    });

    test('undefining stops the guest and leaves its disks; twice', async () => {
      await define();
      await hypervisor.start(id);
      for (const _ of [1, 2]) await hypervisor.undefine(id);
      expect(await powerState()).toBeNull();
      expect(await hypervisor.list()).toEqual([]);
      await define();
      expect(await hypervisor.disks(id)).toHaveLength(1);
    });

    test('writes are held for as long as a work takes, and the guest runs on after it, also when it fails', async () => {
      await define();
      expect(await hypervisor.holdingWrites(id, () => Promise.resolve('done'))).toBe('done');
      expect(await powerState()).toBe(PowerState.shutdown);
      await hypervisor.start(id);
      const failing = hypervisor.holdingWrites(id, () => Promise.reject(new Error('no')));
      await expect(failing).rejects.toThrow('no');
      expect(await powerState()).toBe(PowerState.running);
    });

    test('a guest that is not defined is refused by name', async () => {
      const unknown = newInstanceId();
      expect(await hypervisor.describe(unknown)).toBeNull();
      await expect(hypervisor.start(unknown)).rejects.toMatchObject({ code: 'guest_not_defined' });
      await expect(hypervisor.stop(unknown, 0)).rejects.toMatchObject({ code: 'guest_not_defined' });
      await expect(Promise.resolve().then(() => hypervisor.disks(unknown))).rejects.toMatchObject({
        code: 'guest_not_defined',
      });
    });

    test("admits a newcomer, but not one with another guest's name", async () => {
      await define();
      await hypervisor.admits(sampleSpec());
      await expect(
        hypervisor.admits({ ...sampleSpec(), instance_name: spec.instance_name }),
      ).rejects.toMatchObject({ code: 'guest_name_clash' });
    });

    test('guests outlive the connection', async () => {
      await define();
      await hypervisor.start(id);
      await hypervisor.close();
      hypervisor = await subject.open();
      expect(await powerState()).toBe(PowerState.running);
    });

    test('tells nothing of what was written before it was asked, and then all of it', async () => {
      await define();
      expect(await hypervisor.takeDirty(id)).toBeNull();
      for (const ranges of Object.values((await hypervisor.takeDirty(id)) ?? {}))
        expect(ranges ?? []).toEqual([]);
    });
  });
}
