import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InstanceFolders } from '../../../services/compute-agent/folders/instance-folders.ts';
import type { InstanceMark } from '../../../services/compute-agent/folders/mark.ts';
import { SpaceLedger } from '../../../services/compute-agent/folders/space-ledger.ts';
import { isDroverError } from '../../../shared/errors/drover-error.ts';
import { HOST, newInstanceId, newMigrationId, sampleSpec } from './samples.ts';

const BLOCK_BYTES = 4096;
const CAPACITY_BYTES = 20 * BLOCK_BYTES;
const KEPT_BYTES = 2 * BLOCK_BYTES;

type Act =
  | { readonly do: 'admit'; readonly blocks: number }
  | { readonly do: 'write'; readonly which: number; readonly blocks: number }
  | { readonly do: 'adopt' | 'unadmit'; readonly which: number }
  | { readonly do: 'hold'; readonly blocks: number }
  | { readonly do: 'restart' };

const which = fc.nat({ max: 5 });
const blocks = fc.integer({ min: 1, max: 12 });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('admit' as const), blocks }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), which, blocks }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('adopt' as const, 'unadmit' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const), blocks }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

/** Disks only: marks are the host's own reserve. */
function usedBytes(path: string): number {
  return readdirSync(path)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readdirSync(join(path, name)).map((file) => join(path, name, file)))
    .filter((file) => file.endsWith('/disk'))
    .reduce((sum, file) => sum + statSync(file).blocks * 512, 0);
}

test('what is promised and what is used never exceed the file system', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 12 }), async (acts) => {
      const path = mkdtempSync(join(tmpdir(), 'drover-space-'));
      try {
        await walk(path, acts);
      } finally {
        rmSync(path, { recursive: true });
      }
    }),
    { numRuns: 25 },
  );
});

async function walk(path: string, acts: readonly Act[]): Promise<void> {
  const open = async () => {
    const folders = new InstanceFolders({ instances_path: path, host: HOST });
    await folders.load();
    const freeBytes = () => Promise.resolve(CAPACITY_BYTES - usedBytes(path));
    return {
      folders,
      ledger: new SpaceLedger({ folders, host: HOST, reserved_host_bytes: KEPT_BYTES, freeBytes }),
    };
  };
  let { folders, ledger } = await open();
  const staged: InstanceMark[] = [];
  const check = async () =>
    expect((await ledger.promisedBytes()) + usedBytes(path)).toBeLessThanOrEqual(CAPACITY_BYTES - KEPT_BYTES);
  const refused = (error: unknown) => {
    if (!isDroverError(error, 'host_disk_full')) throw error;
  };
  for (const step of acts) {
    const mark = 'which' in step ? staged[step.which % Math.max(staged.length, 1)] : undefined;
    if (step.do === 'restart') ({ folders, ledger } = await open());
    if (step.do === 'admit') {
      // Two at once: the second must see the first one's promise.
      const marks = [sampleMark(step.blocks), sampleMark(step.blocks)];
      const outcomes = await Promise.allSettled(marks.map((one) => ledger.reserve(one)));
      for (const [place, outcome] of outcomes.entries()) {
        const one = marks[place];
        if (outcome.status === 'rejected') refused(outcome.reason);
        else if (one !== undefined) staged.push(one);
      }
    }
    if (step.do === 'hold') {
      const hold = { instance_id: newInstanceId(), purpose: 'a test', bytes: step.blocks * BLOCK_BYTES };
      await ledger.holding(hold, check).catch(refused);
    }
    if (mark === undefined) continue;
    const { id } = mark.spec;
    const disk = join(folders.folder(id, 'staging'), 'disk');
    if (step.do === 'write')
      // The receiver's part of the bargain: no more than was reserved.
      writeFileSync(disk, Buffer.alloc(Math.min(step.blocks * BLOCK_BYTES, mark.reserved_bytes), 1), {
        flush: true,
      });
    if (step.do === 'adopt' || step.do === 'unadmit') staged.splice(staged.indexOf(mark), 1);
    const owner = mark.migration_id ?? 'anyone';
    if (step.do === 'adopt')
      await folders.move(id, {
        from: 'staging',
        to: 'home',
        owner,
        migration_id: mark.migration_id,
        epoch: 2,
      });
    if (step.do === 'unadmit') await folders.remove(id, 'staging', owner);
    await check();
  }
}

test('a folder that is there is promised more only if that fits, and less at once', async () => {
  const path = mkdtempSync(join(tmpdir(), 'drover-space-'));
  try {
    const folders = new InstanceFolders({ instances_path: path, host: HOST });
    await folders.load();
    const freeBytes = () => Promise.resolve(CAPACITY_BYTES);
    const ledger = new SpaceLedger({ folders, host: HOST, reserved_host_bytes: KEPT_BYTES, freeBytes });
    const mark = sampleMark(10);
    await ledger.reserve(mark);
    const asked = (reserved_blocks: number) =>
      ledger.reserve({ ...mark, reserved_bytes: reserved_blocks * BLOCK_BYTES });
    await expect(asked(19)).rejects.toMatchObject({ code: 'host_disk_full' });
    expect(await ledger.promisedBytes()).toBe(10 * BLOCK_BYTES);
    await expect(asked(18)).resolves.toBe('was there');
    expect(await ledger.promisedBytes()).toBe(18 * BLOCK_BYTES);
    await expect(asked(3)).resolves.toBe('was there');
    expect(await ledger.promisedBytes()).toBe(3 * BLOCK_BYTES);
  } finally {
    rmSync(path, { recursive: true });
  }
});

function sampleMark(reserved_blocks: number): InstanceMark {
  const spec = sampleSpec();
  return {
    instance_id: spec.id,
    migration_id: newMigrationId(),
    epoch: 1,
    role: 'staging',
    spec,
    disks: [{ name: 'disk', format: 'raw', backing: null }],
    reserved_bytes: reserved_blocks * BLOCK_BYTES,
  };
}

test('many who ask for one image hold its space once, and the last one gives it back', async () => {
  const path = mkdtempSync(join(tmpdir(), 'drover-space-'));
  try {
    const folders = new InstanceFolders({ instances_path: path, host: HOST });
    const freeBytes = () => Promise.resolve(10 * BLOCK_BYTES);
    const ledger = new SpaceLedger({ folders, host: HOST, reserved_host_bytes: 0, freeBytes });
    const fetched = Promise.withResolvers<undefined>();
    const hold = (shared_as: string, work: () => Promise<unknown>) =>
      ledger.holding(
        { instance_id: newInstanceId(), purpose: 'the image', bytes: 6 * BLOCK_BYTES, shared_as },
        work,
      );
    const all = Array.from({ length: 5 }, () => hold('a', () => fetched.promise));
    await hold('a', async () => expect(await ledger.promisedBytes()).toBe(6 * BLOCK_BYTES));
    await expect(hold('b', () => Promise.resolve())).rejects.toMatchObject({ code: 'host_disk_full' });
    fetched.resolve(undefined);
    await Promise.all(all);
    expect(await ledger.promisedBytes()).toBe(0);
  } finally {
    rmSync(path, { recursive: true });
  }
});

test('a refusal says what is needed, what is free, and what stands in the way', async () => {
  const path = mkdtempSync(join(tmpdir(), 'drover-space-'));
  try {
    const folders = new InstanceFolders({ instances_path: path, host: HOST });
    const freeBytes = () => Promise.resolve(10 * BLOCK_BYTES);
    const ledger = new SpaceLedger({ folders, host: HOST, reserved_host_bytes: BLOCK_BYTES, freeBytes });
    await ledger.reserve(sampleMark(6));
    await expect(ledger.reserve(sampleMark(4))).rejects.toMatchObject({
      code: 'host_disk_full',
      values: { asked_bytes: 16_384, free_bytes: 40_960, promised_bytes: 24_576, kept_bytes: 4096 },
    });
  } finally {
    rmSync(path, { recursive: true });
  }
});
