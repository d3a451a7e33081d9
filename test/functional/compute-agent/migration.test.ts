import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type { MigrationId } from '../../../shared/domain/ids.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import { newMigrationId, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { TestHost, type Operation } from './test-host.ts';
import { StandInMover } from './stand-in-mover.ts';

let folder: string;
let source: TestHost;
let target: TestHost;
let spec: InstanceSpec;
let migration_id: MigrationId;
let here: Operation;
let there: Operation;

const running = async (host: TestHost) =>
  (await host.hypervisor.describe(spec.id))?.power_state === PowerState.running;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-agent-'));
  const mover = new StandInMover();
  [source, target] = await Promise.all([
    TestHost.open({ folder, name: 'source', mover }),
    TestHost.open({ folder, name: 'target', mover }),
  ]);
  spec = sampleSpec();
  migration_id = newMigrationId();
  await source.operation({ instance_id: spec.id, migration_id: null }).run('spawn', { spec }, 1);
  writeFileSync(join(source.instances_path, spec.id, 'disk'), 'x'.repeat(1024 ** 2));
  here = source.operation({ instance_id: spec.id, migration_id });
  there = target.operation({ instance_id: spec.id, migration_id });
});
afterEach(async () => {
  await Promise.all([source.close(), target.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The steps of a cold migration in their order; each may be run with whatever `times` and restarts a test wants. */
const steps: ReadonlyArray<{ readonly name: string; readonly run: () => Promise<unknown> }> = [
  { name: 'survey', run: () => here.run('survey', {}, 1) },
  { name: 'admit', run: async () => admit() },
  { name: 'connect', run: async () => here.run('connect', await transfer(), 1) },
  { name: 'stop', run: () => here.run('stop', { shutdown_timeout_seconds: 1 }, 1) },
  {
    name: 'copy',
    run: async () => here.run('copy', { ...(await transfer()), limit_bytes_per_second: 0 }, 1),
  },
  { name: 'verify', run: async () => there.run('verify', { disks: await disks() }, 1) },
  { name: 'retire', run: () => here.run('retire', {}, 2) },
  { name: 'adopt', run: () => there.run('adopt', { spec, power_on: true }, 2) },
];
let surveyed: Awaited<ReturnType<typeof survey>>['result'] | null = null;
const survey = () => here.run('survey', {}, 1);
const disks = async () => (surveyed ??= (await survey()).result).disks;
const admit = async () => {
  surveyed = (await survey()).result;
  const { public_key, source_address } = surveyed;
  return there.run(
    'admit',
    { spec, disks: await disks(), public_key, source_address, expires_in_seconds: 60 },
    1,
  );
};
const transfer = async () => ({
  disks: await disks(),
  endpoint: { address: '127.0.0.1', port: 22, user: 'drover', host_keys: ['ssh-ed25519 AAAA'] },
});

async function runThrough(last: string, times = 1): Promise<void> {
  surveyed = null;
  for (const { name, run } of steps) {
    for (let time = 0; time < times; time += 1) await run();
    if (name === last) return;
  }
}

/** The undos of the plan, from the last to the first; epoch 3 once epoch 2 was spent. */
async function unwind(times: number, epoch: number): Promise<void> {
  const undos = [
    () => there.run('unadopt', {}, epoch),
    () => here.run('unretire', {}, epoch),
    () => here.run('abort_copy', {}, epoch),
    () => here.run('power_on', {}, epoch),
    () => there.run('unadmit', {}, epoch),
  ];
  for (const undo of undos) for (let time = 0; time < times; time += 1) await undo();
}

describe('the whole way', () => {
  test.each([1, 2])('each step %i time(s): the guest runs at the target with its disk', async (times) => {
    await runThrough('adopt', times);
    expect(source.folders()).toEqual([`${spec.id}.migrated`]);
    expect(target.folders()).toEqual([spec.id]);
    expect([await running(source), await running(target)]).toEqual([false, true]);
    expect((target.world() as Record<string, Record<string, string>>)[spec.id]?.['disk']).toBe(
      'x'.repeat(1024 ** 2),
    );

    await there.run('check', { expect_running: true }, 2);
    for (let time = 0; time < times; time += 1) await here.run('discard_source', {}, 2);
    expect(source.folders()).toEqual([]);
  });

  test.each([1, 2])('and back, each step %i time(s)', async (times) => {
    await runThrough('adopt');
    const repeat = async (run: () => Promise<unknown>) => {
      for (let time = 0; time < times; time += 1) await run();
    };
    await repeat(() => there.run('withdraw', { shutdown_timeout_seconds: 1 }, 3));
    expect([await running(source), await running(target)]).toEqual([false, false]);
    await repeat(() => here.run('restore', { spec, power_on: true }, 3));
    await repeat(() => there.run('discard_target', {}, 3));
    expect(source.folders()).toEqual([spec.id]);
    expect(target.folders()).toEqual([]);
    expect(await running(source)).toBe(true);
  });

  test('a revert that is undone leaves the guest at the target', async () => {
    await runThrough('adopt');
    await there.run('withdraw', { shutdown_timeout_seconds: 1 }, 3);
    await here.run('restore', { spec, power_on: true }, 3);
    for (const _ of [1, 2]) await here.run('unrestore', {}, 4);
    for (const _ of [1, 2]) await there.run('unwithdraw', { spec, power_on: true }, 4);
    expect(source.folders()).toEqual([`${spec.id}.migrated`]);
    expect(target.folders()).toEqual([spec.id]);
    expect([await running(source), await running(target)]).toEqual([false, true]);
    await there.run('check', { expect_running: true }, 4);
  });
});

describe.each(steps.map(({ name }) => name))('given up after %s', (last) => {
  const epoch = last === 'retire' || last === 'adopt' ? 3 : 1;
  /** The epoch in the mark tells of the attempt; everything else must be as it was. */
  const world = (host: TestHost) =>
    JSON.parse(
      JSON.stringify(host.world()).replaceAll(/\\"epoch\\":\d+|\\"migration_id\\":(null|\\"[^"]*\\")/g, ''),
    ) as unknown;

  test.each([
    ['once', 1, false],
    ['each undo twice', 2, false],
    ['both agents restarted before', 1, true],
  ])('%s: both hosts are as before', async (_, times, restarted) => {
    const before = [world(source), world(target)];
    await runThrough(last);
    if (restarted) await Promise.all([source.restart(), target.restart()]);
    await unwind(times, epoch);
    expect([world(source), world(target)]).toEqual(before);
    expect([await running(source), await running(target)]).toEqual([true, false]);
    expect(await target.hypervisor.describe(spec.id)).toBeNull();
    expect([...source.mover.admissions]).toEqual([]);
  });
});

describe('one home', () => {
  test('a retired guest is not started, however it is asked, and not after a restart either', async () => {
    await runThrough('retire');
    await source.restart();
    expect(await here.answer('power_on', {}, 1)).toMatchObject({ type: 'step_failed', code: 'stale_epoch' });
    expect(await here.answer('power_on', {}, 2)).toMatchObject({
      type: 'step_failed',
      code: 'guest_not_defined',
    });
    const spawning = source.operation({ instance_id: spec.id, migration_id: null });
    expect(await spawning.answer('spawn', { spec }, 1)).toMatchObject({ code: 'stale_epoch' });
    expect(await running(source)).toBe(false);
  });

  test('a guest that was started after its copy does not leave', async () => {
    await runThrough('verify');
    await here.run('power_on', {}, 1);
    expect(await here.answer('retire', {}, 2)).toMatchObject({
      code: 'guest_state_unexpected',
      retriable: false,
    });
    expect(source.folders()).toEqual([spec.id]);
  });

  test("another migration's undo leaves the guest alone", async () => {
    await runThrough('adopt');
    const other = target.operation({ instance_id: spec.id, migration_id: newMigrationId() });
    expect(await other.answer('unadopt', {}, 2)).toMatchObject({ code: 'folder_of_another_migration' });
    expect(await other.answer('withdraw', { shutdown_timeout_seconds: 0 }, 2)).toMatchObject({
      code: 'folder_of_another_migration',
    });
    expect(await running(target)).toBe(true);
  });
});

test('the key is lost with the agent and its mover, and copy says so', async () => {
  await runThrough('stop');
  const order = { ...(await transfer()), limit_bytes_per_second: 0 };
  await source.restart();
  expect(await here.answer('copy', order, 1)).toMatchObject({ code: 'transfer_key_lost', retriable: true });
});

test('a mover that outlived the agent is taken up without a key', async () => {
  await runThrough('stop');
  const order = { ...(await transfer()), limit_bytes_per_second: 0 };
  await source.restart();
  source.mover.survivors.add(migration_id);
  await here.run('copy', order, 1);
  expect(source.mover.transfers.map(({ private_key }) => private_key)).toEqual(['']);
});

test('an old order is not followed, but brings a new one at once while its mover runs', async () => {
  await runThrough('stop');
  const order = { ...(await transfer()), limit_bytes_per_second: 0 };
  const old = { ...here.message('copy', order, 1), deadline_at: new Date(0).toISOString() };
  await source.restart();
  expect(await source.send(old)).toBeNull();
  source.mover.survivors.add(migration_id);
  expect(await source.send(old)).toMatchObject({
    type: 'step_failed',
    code: 'mover_unattended',
    retriable: true,
    attempt: old.attempt,
  });
  expect(source.mover.transfers).toEqual([]);
  await here.run('copy', order, 1);
  expect(source.mover.transfers).toHaveLength(1);
});

test('cancelling a copy that runs: the copy ends first, then abort_copy is answered', async () => {
  await runThrough('stop');
  source.mover.hold = new Promise(() => undefined);
  const copying = here.answer('copy', { ...(await transfer()), limit_bytes_per_second: 0 }, 1);
  await expect.poll(() => source.mover.transfers.length, { timeout: 10_000 }).toBe(1);
  await here.run('abort_copy', {}, 1);
  expect(await copying).toMatchObject({ type: 'step_failed', code: 'command_superseded' });
  expect(source.mover.cancelled).toEqual([migration_id]);
  const kinds = source.events.flatMap((event) => ('command' in event ? [event.command] : []));
  expect(kinds.slice(-2)).toEqual(['copy', 'abort_copy']);
  expect(source.events.filter((event) => event.type === 'step_progress')).toHaveLength(1);
});

describe('the target refuses early', () => {
  const admitOn = async (host: TestHost) => {
    const { disks, public_key, source_address } = (await survey()).result;
    return host
      .operation({ instance_id: spec.id, migration_id })
      .answer('admit', { spec, disks, public_key, source_address, expires_in_seconds: 60 }, 1);
  };

  test('a guest that is there already', async () => {
    expect(await admitOn(source)).toMatchObject({ code: 'guest_name_clash', retriable: false });
  });

  test('disks that do not fit beside what is promised', async () => {
    const full = await TestHost.open({
      folder,
      name: 'full',
      freeBytes: () => Promise.resolve(1024 ** 2 + 4095),
    });
    try {
      const other = sampleSpec();
      const disk = {
        name: 'disk',
        format: 'raw',
        virtual_size_bytes: 1,
        file_size_bytes: 1,
        allocated_bytes: 8192,
        backing: null,
      } as const;
      const { public_key, source_address } = (await survey()).result;
      const promise = { disks: [disk], public_key, source_address, expires_in_seconds: 60 };
      await full
        .operation({ instance_id: other.id, migration_id: newMigrationId() })
        .run('admit', { spec: other, ...promise }, 1);
      const refusal = await admitOn(full);
      expect(refusal).toMatchObject({ code: 'host_disk_full', retriable: false });
      expect(refusal).toMatchObject({
        message: expect.stringMatching(
          /no room for the disks .*: 1048576 bytes are needed; 1052671 are free, of which 4096 are reserved for others/,
        ) as string,
      });
      expect(full.folders()).toEqual([`${other.id}.staging`]);
    } finally {
      await full.close();
    }
  });
});
