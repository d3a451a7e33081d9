import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { request } from '../../scripts/cluster/api-session.ts';
import { guestDataDigest } from '../../scripts/cluster/guest-disk.ts';
import { root } from './support/cluster.ts';
import { hostOf } from './support/servers.ts';
import { allocatedBytes, turnKnobs } from './support/copies.ts';
import { cluster, create, servers, setService, useMovingCluster, wholeMigration } from './support/moving.ts';

const run = promisify(execFile);
useMovingCluster('migration');

test('the disk moves: same bytes, still sparse, one home before and after confirm', async () => {
  const before = await create('mover');
  const source = hostOf(before);
  const disk = join(servers.folder(before.id, source), 'disk');
  const digest = await guestDataDigest(servers.folder(before.id, source));
  const bytes = { size: statSync(disk).size, allocated: allocatedBytes(disk) };
  expect(bytes.allocated).toBeLessThan(bytes.size / 10);

  await servers.action(before.id, { migrate: null });
  const moved = await servers.waitFor(before.id, 'VERIFY_RESIZE');
  const target = hostOf(moved);
  expect(target).not.toBe(source);
  expect(servers.homes(before.id).toSorted()).toEqual([`${source}:ID.migrated`, `${target}:ID`].toSorted());
  const movedDisk = join(servers.folder(before.id, target), 'disk');
  expect(await guestDataDigest(servers.folder(before.id, target))).toBe(digest);
  expect(statSync(movedDisk).size).toBe(bytes.size);
  expect(allocatedBytes(movedDisk)).toBeLessThanOrEqual(bytes.allocated + 1024 * 1024);

  await servers.action(before.id, { confirmResize: null });
  const after = await servers.waitFor(before.id, 'ACTIVE');
  expect(servers.homes(before.id)).toEqual([`${target}:ID`]);
  expect(after).toMatchObject({
    id: before.id,
    name: before.name,
    metadata: before.metadata,
    addresses: before.addresses,
  });
  expect((await servers.migrations(before.id))[0]?.status).toBe('confirmed');
});

test('an overlay moves too, and what the guest wrote with it', async () => {
  await cluster.up('--set', 'DEFAULT.use_cow_images=true');
  const server = await create('overlay', { image: 'tiny' });
  const source = hostOf(server);
  await servers.action(server.id, { 'os-stop': null });
  await servers.waitFor(server.id, 'SHUTOFF');
  await run('qemu-io', ['-c', 'write -P 0x5a 8M 1M', join(servers.folder(server.id, source), 'disk')]);
  await servers.action(server.id, { 'os-start': null });
  await servers.waitFor(server.id, 'ACTIVE');
  const digest = await guestDataDigest(servers.folder(server.id, source));

  await servers.action(server.id, { migrate: null });
  const target = hostOf(await servers.waitFor(server.id, 'VERIFY_RESIZE'));
  expect(await guestDataDigest(servers.folder(server.id, target))).toBe(digest);
  await servers.action(server.id, { confirmResize: null });
  await servers.waitFor(server.id, 'ACTIVE');
  await cluster.up('--set', 'DEFAULT.use_cow_images=false');
});

test('revert takes it back, and leaves nothing on the target', async () => {
  const server = await create('turncoat');
  const source = hostOf(server);
  const digest = await guestDataDigest(servers.folder(server.id, source));
  await servers.action(server.id, { migrate: null });
  await servers.waitFor(server.id, 'VERIFY_RESIZE');
  await servers.action(server.id, { revertResize: null });
  expect(hostOf(await servers.waitFor(server.id, 'ACTIVE'))).toBe(source);
  await servers.waitForMigration(server.id, 'reverted');
  expect(servers.homes(server.id)).toEqual([`${source}:ID`]);
  expect(await guestDataDigest(servers.folder(server.id, source))).toBe(digest);
});

test('a stopped server stays stopped', async () => {
  const server = await create('sleeper');
  await servers.action(server.id, { 'os-stop': null });
  await servers.waitFor(server.id, 'SHUTOFF');
  await servers.action(server.id, { migrate: null });
  const moved = await servers.waitFor(server.id, 'VERIFY_RESIZE');
  expect(moved['OS-EXT-STS:power_state']).toBe(4);
  await servers.action(server.id, { confirmResize: null });
  const settled = await servers.waitFor(server.id, 'SHUTOFF');
  expect(settled['OS-EXT-STS:power_state']).toBe(4);
  expect(hostOf(settled)).not.toBe(hostOf(server));
});

test('a dry run of several servers: where each would go, while none moves; exit code 3 when one cannot', async () => {
  const names = ['planned-1', 'planned-2'];
  const made = [];
  for (const name of names) made.push(await create(name, { host: 'compute1' }));
  const migrate = (...words: string[]) =>
    cluster.withOpenrc('openrc', join(root, 'scripts/drover'), 'server', 'migrate', ...names, ...words);
  await setService('compute3', 'disabled');
  try {
    const { exit_code, stdout, stderr } = await migrate('--dry-run', '-f', 'json');
    expect([exit_code, JSON.parse(stdout)]).toMatchObject([
      0,
      names.map((name) => ({ Server: name, From: 'compute1', To: 'compute2' })),
    ]);
    expect(stderr).toContain('Nothing was moved.');
    const nowhere = await migrate('--dry-run', '-f', 'json', '--host', 'compute3');
    expect([nowhere.exit_code, JSON.parse(nowhere.stdout)]).toMatchObject([
      3,
      names.map((name) => ({ Server: name, To: null, Reason: expect.stringMatching(/disabled/) })),
    ]);
  } finally {
    await setService('compute3', 'enabled');
  }
  for (const { id } of made) {
    expect(hostOf(await servers.show(id))).toBe('compute1');
    expect(await servers.migrations(id)).toEqual([]);
  }
  expect((await migrate()).exit_code).toBe(2);
});

test('after resize_confirm_window it confirms by itself', async () => {
  await cluster.up('--set', 'DEFAULT.use_cow_images=false', '--set', 'DEFAULT.resize_confirm_window=2');
  try {
    const server = await create('forgotten');
    await servers.action(server.id, { migrate: null });
    await servers.waitFor(server.id, 'VERIFY_RESIZE');
    await servers.waitForMigration(server.id, 'confirmed', 30);
    await servers.waitFor(server.id, 'ACTIVE');
  } finally {
    await cluster.up('--set', 'DEFAULT.use_cow_images=false');
  }
});

test('a warm one: the guest writes until it is stopped for the rest, and the record tells how long that was', async () => {
  // Slow enough that the guest writes meanwhile, and twice as fast as it writes.
  await cluster.up('--set', 'DEFAULT.use_cow_images=false', '--set', 'mover.limit_bytes_per_second=4MiB');
  const server = await create('warm');
  turnKnobs({ guest_write_bytes_per_second: 2 * 1024 ** 2 });
  try {
    const wish = { server: server.id, mode: 'warm', downtime_budget_seconds: 5 };
    await request(servers.session, 'POST', '/drover/v1/migrations', wish);
    await servers.waitFor(server.id, 'VERIFY_RESIZE');
  } finally {
    turnKnobs({});
  }
  const { mode, rounds, downtime, precopy_ended, steps } = await wholeMigration(server.id);
  expect({ mode, precopy_ended }).toEqual({ mode: 'warm', precopy_ended: 'fits_budget' });
  expect(rounds[0]?.changed_bytes).toBeGreaterThan(0);
  expect(downtime.predicted_seconds).toBeLessThanOrEqual(5);
  expect(downtime.measured_seconds).toBeGreaterThan(0);
  const ordered = steps.filter(({ event }) => event === 'ordered').map(({ step }) => step);
  expect(ordered.indexOf('precopy')).toBeLessThan(ordered.indexOf('stop'));
  await servers.action(server.id, { confirmResize: null });
  await servers.waitFor(server.id, 'ACTIVE');
});
