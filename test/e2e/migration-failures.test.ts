import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { request } from '../../scripts/cluster/api-session.ts';
import { guestDataDigest } from '../../scripts/cluster/guest-disk.ts';
import { isAlive, waitFor } from '../../scripts/cluster/processes.ts';
import { hostOf } from './support/servers.ts';
import { allocatedBytes, slowCopies, turnKnobs } from './support/copies.ts';
import { cluster, create, servers, setService, useMovingCluster, wholeMigration } from './support/moving.ts';

const run = promisify(execFile);
useMovingCluster('failures');

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

test.each(['scheduler', 'source agent', 'target agent'] as const)(
  'kill -9 of the %s in the middle of a copy: at rest in the end, with one home',
  async (victim) => {
    await cluster.up(...slowCopies);
    const server = await create('survivor');
    const source = hostOf(server);
    const digest = await guestDataDigest(servers.folder(server.id, source));
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
    expect(await guestDataDigest(servers.folder(server.id, home))).toBe(digest);
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

test.each([
  ['once: it is sent again, and that alone', 1],
  ['each time: the server goes back, with the place named', Infinity],
])('a byte that the target damages %s', async (_, times) => {
  const server = await create('damaged');
  const source = hostOf(server);
  const digest = await guestDataDigest(servers.folder(server.id, source));
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
  expect(await guestDataDigest(servers.folder(server.id, hostOf(after)))).toBe(digest);
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
