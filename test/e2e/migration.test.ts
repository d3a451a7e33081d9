import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { request } from '../../scripts/cluster/api-session.ts';
import { guestDiskDigest } from '../../scripts/cluster/guest-disk.ts';
import { isAlive, waitFor } from '../../scripts/cluster/processes.ts';
import { TestCluster } from './support/cluster.ts';
import { hostOf, Servers, type Server } from './support/servers.ts';

const run = promisify(execFile);
const cluster = new TestCluster('migration');
let servers: Servers;

beforeAll(async () => {
  // Flat disks, so that everything the guest has must travel.
  await cluster.up('--set', 'DEFAULT.use_cow_images=false');
  servers = new Servers(cluster, await cluster.logInAsAdmin());
});
afterAll(() => cluster.down());

const created: string[] = [];
async function create(name: string, options?: { image?: string; host?: string }): Promise<Server> {
  const server = await servers.create(name, options);
  created.push(server.id);
  return server;
}
afterEach(async () => {
  for (const id of created.splice(0)) await servers.delete(id);
});

async function setService(host: string, status: 'enabled' | 'disabled'): Promise<void> {
  const { services } = await request<{ services: Array<{ id: string; host: string }> }>(
    ...([
      servers.session,
      'GET',
      '/compute/v2.1/os-services?binary=nova-compute',
      undefined,
      '2.53',
    ] as const),
  );
  const service = services.find((one) => one.host === host);
  await request(servers.session, 'PUT', `/compute/v2.1/os-services/${service?.id}`, { status }, '2.53');
}

/** Bytes that the file takes on the disk, holes left out. */
const allocatedBytes = (file: string) => statSync(file).blocks * 512;

test('the disk moves: same bytes, still sparse, one home before and after confirm', async () => {
  const before = await create('mover');
  const source = hostOf(before);
  const disk = join(servers.folder(before.id, source), 'disk');
  const digest = await guestDiskDigest(servers.folder(before.id, source));
  const bytes = { size: statSync(disk).size, allocated: allocatedBytes(disk) };
  expect(bytes.allocated).toBeLessThan(bytes.size / 10);

  await servers.action(before.id, { migrate: null });
  const moved = await servers.waitFor(before.id, 'VERIFY_RESIZE');
  const target = hostOf(moved);
  expect(target).not.toBe(source);
  expect(servers.homes(before.id).toSorted()).toEqual([`${source}:ID.migrated`, `${target}:ID`].toSorted());
  const movedDisk = join(servers.folder(before.id, target), 'disk');
  expect(await guestDiskDigest(servers.folder(before.id, target))).toBe(digest);
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
  const digest = await guestDiskDigest(servers.folder(server.id, source));

  await servers.action(server.id, { migrate: null });
  const target = hostOf(await servers.waitFor(server.id, 'VERIFY_RESIZE'));
  expect(await guestDiskDigest(servers.folder(server.id, target))).toBe(digest);
  await servers.action(server.id, { confirmResize: null });
  await servers.waitFor(server.id, 'ACTIVE');
  await cluster.up('--set', 'DEFAULT.use_cow_images=false');
});

test('revert takes it back, and leaves nothing on the target', async () => {
  const server = await create('turncoat');
  const source = hostOf(server);
  const digest = await guestDiskDigest(servers.folder(server.id, source));
  await servers.action(server.id, { migrate: null });
  await servers.waitFor(server.id, 'VERIFY_RESIZE');
  await servers.action(server.id, { revertResize: null });
  expect(hostOf(await servers.waitFor(server.id, 'ACTIVE'))).toBe(source);
  await servers.waitForMigration(server.id, 'reverted');
  expect(servers.homes(server.id)).toEqual([`${source}:ID`]);
  expect(await guestDiskDigest(servers.folder(server.id, source))).toBe(digest);
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

test('a target with another host key than it says: back to the source, and the guest never stopped', async () => {
  const server = await create('suspicious');
  const source = hostOf(server);
  const target = ['compute1', 'compute2', 'compute3'].find((host) => host !== source) ?? '';
  const key = join(cluster.folder, 'hosts', target, 'sshd/ssh_host_ed25519_key');
  copyFileSync(key, `${key}.kept`);
  try {
    // The agent goes on to announce the public key that lies beside it; sshd answers with another.
    rmSync(key);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${key}.false`]);
    copyFileSync(`${key}.false`, key);
    process.kill(cluster.processes[`sshd-${target}`]!.pid, 'SIGKILL');
    await cluster.up();

    await servers.action(server.id, { migrate: { host: target } }, '2.56');
    const seen = new Set<number>();
    const settled = await servers.waitUntil(server.id, 'the server to be at rest on its source', (now) => {
      seen.add(now['OS-EXT-STS:power_state']);
      return now['OS-EXT-STS:task_state'] === null && now.status === 'ACTIVE';
    });
    expect([...seen]).toEqual([1]);
    expect(hostOf(settled)).toBe(source);
    expect((await servers.eventDetails(server.id, 'migrate')).join('\n')).toContain(
      'Host key verification failed.',
    );
    expect((await servers.migrations(server.id))[0]?.status).toBe('error');
    expect(servers.homes(server.id)).toEqual([`${source}:ID`]);
    await expectNeverStopped(server.id);
  } finally {
    copyFileSync(`${key}.kept`, key);
    for (const file of [`${key}.kept`, `${key}.false`, `${key}.false.pub`]) rmSync(file, { force: true });
    process.kill(cluster.processes[`sshd-${target}`]!.pid, 'SIGKILL');
    await cluster.up();
  }
});

/** The record of steps, not samples of the state, says that the guest was left alone. */
async function expectNeverStopped(id: string): Promise<void> {
  const { migrations } = await request<{ migrations: Array<{ id: string }> }>(
    servers.session,
    'GET',
    `/drover/v1/migrations?server=${id}&limit=1`,
  );
  const { migration } = await request<{ migration: { steps: Array<{ step: string }> } }>(
    servers.session,
    'GET',
    `/drover/v1/migrations/${migrations[0]?.id}`,
  );
  const names = migration.steps.map(({ step }) => step);
  expect(names).toContain('admit');
  expect(names).not.toContain('stop');
}

test('no valid host: accepted, then as before, with the reason in the event and the migration', async () => {
  const server = await create('stuck-here');
  const source = hostOf(server);
  const others = ['compute1', 'compute2', 'compute3'].filter((host) => host !== source);
  try {
    for (const host of others) await setService(host, 'disabled');
    await servers.action(server.id, { migrate: null });
    await servers.waitForMigration(server.id, 'error');
    const settled = await servers.waitFor(server.id, 'ACTIVE');
    expect(hostOf(settled)).toBe(source);
    expect((await servers.eventDetails(server.id, 'migrate')).join('\n')).toContain(
      'No valid host was found.',
    );
    const { migrations } = await request<{
      migrations: Array<{ reason: { code: string; message: string } | null }>;
    }>(servers.session, 'GET', `/drover/v1/migrations?server=${server.id}&limit=1`);
    expect(migrations[0]?.reason?.message).toContain('No valid host was found.');
  } finally {
    for (const host of others) await setService(host, 'enabled');
  }
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

/** A copy takes seconds, and who is dead is noticed soon. */
const slowCopies = [
  'DEFAULT.use_cow_images=false',
  'mover.limit_bytes_per_second=1MiB',
  'drover.lease_seconds=5',
].flatMap((setting) => ['--set', setting]);

test.each(['scheduler', 'source agent', 'target agent'] as const)(
  'kill -9 of the %s in the middle of a copy: at rest in the end, with one home',
  async (victim) => {
    await cluster.up(...slowCopies);
    const server = await create('survivor');
    const source = hostOf(server);
    const digest = await guestDiskDigest(servers.folder(server.id, source));
    await servers.action(server.id, { migrate: null });
    const { dest_compute: target } = await servers.waitForMigration(server.id, 'migrating');
    await waitFor({ name: 'bytes to arrive at the target', timeout_seconds: 30 }, () =>
      hasArrived(server.id, target),
    );
    const names = {
      scheduler: 'scheduler-1',
      'source agent': `agent-${source}`,
      'target agent': `agent-${target}`,
    };
    const record = cluster.processes[names[victim]]!;
    process.kill(record.pid, 'SIGKILL');
    await waitFor({ name: `${victim} to be dead`, timeout_seconds: 10 }, () => !isAlive(record));
    await cluster.up();

    const rest = await servers.waitUntil(
      server.id,
      'the migration to be at rest',
      (now) => now['OS-EXT-STS:task_state'] === null,
      120,
    );
    expect(['ACTIVE', 'VERIFY_RESIZE']).toContain(rest.status);
    const home = hostOf(rest);
    expect(rest['OS-EXT-STS:power_state']).toBe(1);
    expect(await guestDiskDigest(servers.folder(server.id, home))).toBe(digest);
    expect(servers.homes(server.id)).toEqual(
      rest.status === 'ACTIVE'
        ? [`${source}:ID`]
        : [`${source}:ID.migrated`, `${target}:ID`].toSorted((one, other) => one.localeCompare(other)),
    );
  },
);

function hasArrived(id: string, host: string | null): boolean {
  if (host === null) return false;
  const staging = `${servers.folder(id, host)}.staging`;
  return existsSync(join(staging, 'disk')) && allocatedBytes(join(staging, 'disk')) > 0;
}

/** How hosts misbehave from now on; a change of the file takes effect at once. */
function turnKnobs(knobs: object): void {
  for (const { name, instances_path } of cluster.description.hosts) {
    const file = join(instances_path, '..', 'state', 'fake-knobs.json');
    expect(existsSync(join(file, '..')), `the state of ${name}`).toBe(true);
    writeFileSync(`${file}.new`, JSON.stringify(knobs));
    renameSync(`${file}.new`, file);
  }
}

interface WholeMigration {
  readonly mode: string;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly rounds: ReadonlyArray<{ readonly changed_bytes: number }>;
  readonly downtime: { readonly predicted_seconds: number | null; readonly measured_seconds: number | null };
  readonly precopy_ended: string | null;
  readonly progress: { readonly resent_bytes: number | null };
  readonly steps: ReadonlyArray<{
    readonly step: string;
    readonly event: string;
    readonly direction: string;
    readonly summary: string | null;
  }>;
}

async function wholeMigration(id: string): Promise<WholeMigration> {
  const [newest] = await servers.migrations(id);
  const path = `/drover/v1/migrations/${newest?.uuid}`;
  return (await request<{ migration: WholeMigration }>(servers.session, 'GET', path)).migration;
}

test('a warm one: the guest writes until it is stopped for the rest, and the record tells how long that was', async () => {
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

test.each([
  ['once: it is sent again, and that alone', 1],
  ['each time: the server goes back, with the place named', Infinity],
])('a byte that the target damages %s', async (_, times) => {
  const server = await create('damaged');
  const source = hostOf(server);
  const digest = await guestDiskDigest(servers.folder(server.id, source));
  // What has arrived waits to be looked at until it is damaged.
  turnKnobs({ hold_from: { verify: 1 } });
  try {
    await servers.action(server.id, { migrate: null });
    let damaged = 0;
    await waitFor({ name: 'the migration to be at rest', timeout_seconds: 60 }, async () => {
      const { steps } = await wholeMigration(server.id);
      const looks = steps.filter(({ step, event }) => step === 'verify' && event === 'ordered').length;
      if (looks > damaged && damaged < times) {
        damaged += 1;
        await damage(server.id);
        turnKnobs(damaged < times ? { hold_from: { verify: damaged + 1 } } : {});
      }
      return (await servers.show(server.id))['OS-EXT-STS:task_state'] === null;
    });
    expect(damaged).toBe(Math.min(times, 2));
  } finally {
    turnKnobs({});
  }
  const { reason, steps, progress } = await wholeMigration(server.id);
  const after = await servers.show(server.id);
  expect(after['OS-EXT-STS:power_state']).toBe(1);
  expect(await guestDiskDigest(servers.folder(server.id, hostOf(after)))).toBe(digest);
  expect(steps.filter(({ event }) => event === 'again').map(({ summary }) => summary)).toEqual([
    expect.stringMatching(/^Disk disk is damaged on .*: the 1048576 bytes at offset 0 are not what was sent/),
  ]);
  expect(progress.resent_bytes).toBeGreaterThan(0);
  if (times === 1) {
    expect(after.status).toBe('VERIFY_RESIZE');
    await servers.action(server.id, { confirmResize: null });
    await servers.waitFor(server.id, 'ACTIVE');
  } else {
    expect(after.status).toBe('ACTIVE');
    expect(hostOf(after)).toBe(source);
    expect(reason?.code).toBe('mover_digest_mismatch');
    expect(reason?.message).toContain('at offset 0');
    expect(servers.homes(server.id)).toEqual([`${source}:ID`]);
  }
});

/** Flips the bits of one byte of what has arrived. */
async function damage(id: string): Promise<void> {
  const found = cluster.description.hosts
    .map(({ name }) => join(`${servers.folder(id, name)}.staging`, 'disk'))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error('nothing has arrived anywhere');
  const file = await open(found, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, 4096);
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, 4096);
  } finally {
    await file.close();
  }
}
