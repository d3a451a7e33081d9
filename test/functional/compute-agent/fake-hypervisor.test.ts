import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeHypervisor } from '../../../services/compute-agent/hypervisor/fake/fake-hypervisor.ts';
import {
  GUEST_BLOCK_BYTES,
  guestBlock,
  guestBlockOffset,
} from '../../../services/compute-agent/hypervisor/fake/guest-writer.ts';
import { calmKnobs, type Knobs } from '../../../services/compute-agent/hypervisor/fake/knobs.ts';
import type { GuestFact } from '../../../services/compute-agent/hypervisor/hypervisor.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import { HOST, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { hypervisorContract } from '../hypervisor-contract.ts';

const open = (folder: string, knobs: Partial<Knobs> = {}) => {
  mkdirSync(join(folder, 'instances'), { recursive: true });
  return FakeHypervisor.open({
    host: HOST,
    state_path: folder,
    instances_path: join(folder, 'instances'),
    vcpus: 4,
    memory_mb: 1024,
    local_gb: 10,
    knobs: { ...calmKnobs, ...knobs },
    knobs_file: join(folder, 'knobs.json'),
  });
};
const temporary = () => mkdtempSync(join(tmpdir(), 'drover-fake-'));

hypervisorContract('fake', async () => {
  const folder = temporary();
  return {
    folder: join(folder, 'instances'),
    open: () => open(folder),
    cleanUp: async () => rmSync(folder, { recursive: true }),
  };
});

describe('what only the fake one does', () => {
  let folder: string;
  let hypervisor: FakeHypervisor;
  const spec = sampleSpec();
  const BLOCKS = 4096;

  beforeEach(() => {
    folder = temporary();
  });
  afterEach(async () => {
    await hypervisor.close();
    rmSync(folder, { recursive: true });
  });

  async function startGuest(knobs: Partial<Knobs> = {}): Promise<string> {
    hypervisor = await open(folder, knobs);
    const home = join(folder, 'instances', spec.id);
    mkdirSync(home, { recursive: true });
    const disk = join(home, 'disk');
    writeFileSync(disk, Buffer.alloc(BLOCKS * GUEST_BLOCK_BYTES));
    const size = BLOCKS * GUEST_BLOCK_BYTES;
    await hypervisor.define({
      spec,
      folder: home,
      disks: [
        {
          name: 'disk',
          format: 'raw',
          virtual_size_bytes: size,
          file_size_bytes: size,
          allocated_bytes: size,
          backing: null,
        },
      ],
    });
    await hypervisor.start(spec.id);
    return disk;
  }

  test('a restart of the agent is not a boot of the guest, a reset is', async () => {
    await startGuest();
    const boot = hypervisor.state(spec.id)?.boot_id;
    await hypervisor.close();
    hypervisor = await open(folder);
    expect(hypervisor.state(spec.id)?.boot_id).toBe(boot);
    await hypervisor.reset(spec.id);
    expect(hypervisor.state(spec.id)?.boot_id).not.toBe(boot);
  });

  test('a running guest writes what can be foretold, and nothing after it was powered off', async () => {
    const disk = await startGuest({ guest_write_bytes_per_second: 256 * 1024 });
    const offset = guestBlockOffset(0, BLOCKS);
    const content = () => readFileSync(disk);
    await expect
      .poll(
        () =>
          content()
            .subarray(offset, offset + GUEST_BLOCK_BYTES)
            .equals(guestBlock(spec.id, 0)),
        { timeout: 10_000 },
      )
      .toBe(true);
    await hypervisor.stop(spec.id, 1);
    const written = hypervisor.state(spec.id)?.written_blocks ?? 0;
    expect(written).toBeGreaterThan(0);
    const last = guestBlockOffset(written - 1, BLOCKS);
    expect(content().subarray(last, last + GUEST_BLOCK_BYTES)).toEqual(guestBlock(spec.id, written - 1));
    const next = guestBlockOffset(written, BLOCKS);
    expect(content().subarray(next, next + GUEST_BLOCK_BYTES)).not.toEqual(guestBlock(spec.id, written));
  });

  test('it names every block that was written since it was asked before, up to the stop, and nothing after a restart', async () => {
    const disk = await startGuest({ guest_write_bytes_per_second: 1024 * 1024 });
    expect(await hypervisor.takeDirty(spec.id)).toBeNull();
    const before = readFileSync(disk);
    await expect.poll(() => readFileSync(disk).equals(before), { timeout: 10_000 }).toBe(false);
    await hypervisor.stop(spec.id, 1);
    const named = (await hypervisor.takeDirty(spec.id))?.['disk'] ?? [];
    const after = readFileSync(disk);
    for (let offset = 0; offset < after.length; offset += GUEST_BLOCK_BYTES) {
      const end = offset + GUEST_BLOCK_BYTES;
      if (after.subarray(offset, end).equals(before.subarray(offset, end))) continue;
      const isNamed = named.some(
        ({ offset_bytes, length_bytes }) => offset_bytes <= offset && end <= offset_bytes + length_bytes,
      );
      expect(isNamed, `the block at ${offset}`).toBe(true);
    }
    expect(named.length).toBeGreaterThan(0);
    expect(await hypervisor.takeDirty(spec.id)).toEqual({ disk: [] });
    await hypervisor.close();
    hypervisor = await open(folder);
    expect(await hypervisor.takeDirty(spec.id)).toBeNull();
  });

  test('a guest that takes too long is powered off by force', async () => {
    await startGuest({ stop_delay_seconds: 60 });
    expect(await hypervisor.stop(spec.id, 0.01)).toEqual({ forced: true });
  });

  test('a guest that goes down on its own is told', async () => {
    await startGuest();
    const facts: GuestFact[] = [];
    const end = hypervisor.watch((fact) => facts.push(fact));
    await hypervisor.goDown(spec.id, PowerState.crashed);
    end();
    expect(facts).toEqual([{ id: spec.id, power_state: PowerState.crashed }]);
  });
});
