import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTransferKey } from '../../../services/compute-agent/transfer-keys.ts';
import { makeKey } from './support/private-sshd.ts';
import { admit, sameContent, startPair, verified, watching, type Pair } from './support/pair.ts';

const run = promisify(execFile);
const MEBIBYTE = 1024 * 1024;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.close());

/** A file with holes: random bytes at the given places. */
function makeSparse(name: string, size_bytes: number, places: readonly number[]): void {
  const path = join(pair.source, name);
  const file = openSync(path, 'w');
  for (const place of places) writeSync(file, randomBytes(70_000), 0, 70_000, place);
  closeSync(file);
  truncateSync(path, size_bytes);
}

async function copy(names: readonly string[]) {
  const admitted = await admit(pair, names);
  const watch = watching();
  await pair.senders.connect(admitted.transfer, watch);
  const result = await pair.senders.send(admitted.transfer, watch);
  const { digests } = await verified(pair, admitted);
  await pair.admission.withdraw(admitted.id);
  return { ...admitted, result, digests, watch };
}

describe('a copy', () => {
  test('is equal, stays sparse and sends no zeros', async () => {
    makeSparse('sparse', 300 * MEBIBYTE + 12_345, [0, 100 * MEBIBYTE - 35_000, 299 * MEBIBYTE]);
    const { folder, result, digests, watch } = await copy(['sparse']);
    expect(sameContent(pair, folder, 'sparse')).toBe(true);
    expect(digests).toEqual(result.digests);
    const source = statSync(join(pair.source, 'sparse'));
    const target = statSync(join(folder, 'sparse'));
    expect(target.size).toBe(source.size);
    expect(target.blocks).toBeLessThanOrEqual(source.blocks);
    expect(result.sent_bytes).toBeLessThan(300_000);
    expect(result.sent_bytes).toBeGreaterThan(3 * 70_000);
    expect(result.skipped_bytes).toBeGreaterThan(299 * MEBIBYTE);
    expect(watch.seen.at(-1)).toMatchObject({ disk_processed_bytes: source.size, disk_remaining_bytes: 0 });
  });

  test('takes several disks, among them an empty one and one of zeros', async () => {
    writeFileSync(join(pair.source, 'first'), randomBytes(3 * MEBIBYTE + 1));
    writeFileSync(join(pair.source, 'empty'), '');
    writeFileSync(join(pair.source, 'zeros'), Buffer.alloc(2 * MEBIBYTE));
    const { folder, result, digests } = await copy(['first', 'empty', 'zeros']);
    for (const name of ['first', 'empty', 'zeros']) expect(sameContent(pair, folder, name)).toBe(true);
    expect(digests).toEqual(result.digests);
    expect(result.digests.map(({ name }) => name)).toEqual(['first', 'empty', 'zeros']);
    expect(statSync(join(folder, 'zeros')).blocks).toBe(0);
  });

  test('leaves nothing behind but the disks', async () => {
    writeFileSync(join(pair.source, 'small'), 'a disk');
    const { folder } = await copy(['small']);
    expect(readdirSync(folder)).toEqual(['small']);
    expect(readdirSync(join(pair.root, 't', 'mover', 'admissions'))).toEqual([]);
    expect(readdirSync(join(pair.root, 't', 'mover', 'journals'))).toEqual([]);
    expect(readdirSync(join(pair.root, 't', 'mover', 's'))).toEqual([]);
    expect(readdirSync(join(pair.root, 's', 'mover', 'senders'))).toEqual([]);
    expect(readFileSync(pair.sshd.authorized_keys_path, 'utf8')).not.toContain('ssh-ed25519');
  });

  test('a changed byte on the target is found by its digest', async () => {
    writeFileSync(join(pair.source, 'flipped'), randomBytes(2 * MEBIBYTE));
    const admitted = await admit(pair, ['flipped']);
    const { folder } = admitted;
    const { digests } = await pair.senders.send(admitted.transfer, watching());
    const file = openSync(join(folder, 'flipped'), 'r+');
    writeSync(file, 'x', MEBIBYTE + 5);
    closeSync(file);
    const found = await verified(pair, admitted);
    expect(found.digests).not.toEqual(digests);
    expect(found).toMatchObject({
      damaged: [{ disk: 'flipped', offset_bytes: MEBIBYTE, length_bytes: MEBIBYTE }],
      damaged_count: 1,
    });
    // What was damaged is forgotten, and nothing else.
    const again = await pair.senders.send(admitted.transfer, watching());
    expect(again.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
    expect(await verified(pair, admitted)).toMatchObject({ digests, damaged: [], damaged_count: 0 });
    await pair.admission.withdraw(admitted.id);
  });

  test('a disk that is shorter than it was said to be is a read error', async () => {
    writeFileSync(join(pair.source, 'gone'), randomBytes(MEBIBYTE));
    const admitted = await admit(pair, ['gone']);
    rmSync(join(pair.source, 'gone'));
    await expect(pair.senders.send(admitted.transfer, watching())).rejects.toMatchObject({
      code: 'mover_read_failed',
      values: { disk: 'gone' },
    });
    await pair.admission.withdraw(admitted.id);
  });
});

describe('who may send', () => {
  test('another host key is not talked to', async () => {
    writeFileSync(join(pair.source, 'small'), 'a disk');
    const admitted = await admit(pair, ['small']);
    await makeKey(join(pair.root, 'other_key'));
    const other = readFileSync(join(pair.root, 'other_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    const transfer = { ...admitted.transfer, endpoint: { ...admitted.endpoint, host_keys: [other] } };
    const fingerprint = async (path: string) =>
      (await run('ssh-keygen', ['-lf', path])).stdout.split(' ')[1] ?? '?';
    const attempt = pair.senders.connect(transfer, watching());
    await expect(attempt).rejects.toMatchObject({ code: 'mover_host_key_mismatch' });
    const message = await attempt.then(() => '', String);
    expect(message).toContain('Host key verification failed.');
    expect(message).toContain(await fingerprint(join(pair.root, 'other_key.pub')));
    expect(message).toContain(await fingerprint(pair.sshd.host_key_path));
    await pair.admission.withdraw(admitted.id);
    expect(readdirSync(admitted.folder)).toEqual([]);
  });

  test('another key is refused, and so is a withdrawn one', async () => {
    const admitted = await admit(pair, ['small']);
    const { private_key } = await makeTransferKey('stranger');
    await expect(
      pair.senders.connect({ ...admitted.transfer, private_key }, watching()),
    ).rejects.toMatchObject({
      code: 'mover_connection_lost',
    });
    await pair.admission.withdraw(admitted.id);
    await expect(pair.senders.connect(admitted.transfer, watching())).rejects.toMatchObject({
      code: 'mover_connection_lost',
    });
  });

  test('a key counts from its source address only', async () => {
    const admitted = await admit(pair, ['small'], { source_address: '127.0.0.9' });
    await expect(pair.senders.connect(admitted.transfer, watching())).rejects.toMatchObject({
      code: 'mover_connection_lost',
    });
    const there = { ...admitted.transfer, local_address: '127.0.0.9' };
    await pair.senders.connect(there, watching());
    await pair.senders.cancel(admitted.id);
    await pair.admission.withdraw(admitted.id);
  });

  test('the key runs nothing else, whatever is asked for', async () => {
    const admitted = await admit(pair, ['small']);
    const key = join(pair.root, 'stolen_key');
    writeFileSync(key, admitted.private_key, { mode: 0o600 });
    const proof = join(pair.root, 'proof');
    const options = [
      '-i',
      key,
      '-p',
      String(pair.sshd.port),
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'BatchMode=yes',
      '-o',
      `UserKnownHostsFile=${join(pair.root, 'known')}`,
      '-b',
      '127.0.0.1',
    ];
    const target = `${admitted.endpoint.user}@127.0.0.1`;
    await run('ssh', ['-n', ...options, target, `touch ${proof}`]).catch(() => undefined);
    await run('sftp', [
      ...options.slice(0, 2),
      '-P',
      String(pair.sshd.port),
      ...options.slice(4, -2),
      '-b',
      '/dev/null',
      target,
    ]).catch(() => undefined);
    expect(existsSync(proof)).toBe(false);
    const forward = run('ssh', [
      '-n',
      ...options,
      '-o',
      'ExitOnForwardFailure=yes',
      '-W',
      `127.0.0.1:${pair.sshd.port}`,
      target,
    ]);
    await expect(forward).rejects.toThrow(/prohibited|failed/);
    await pair.admission.withdraw(admitted.id);
  });

  test.each([[['../disk']], [['/etc/passwd']], [['.hidden']], [['a/b']], [['']], [['disk', 'disk']]])(
    '%j are no names of disks, and not admitted',
    async (names) => {
      const { id, folder } = await admit(pair, []);
      const size = { virtual_size_bytes: 1, file_size_bytes: 1, allocated_bytes: 1 };
      const admission = {
        migration_id: id,
        folder,
        disks: names.map((name) => ({ name, format: 'raw' as const, ...size, backing: null })),
        public_key: 'ssh-ed25519 AAAA',
        source_address: '127.0.0.1',
        expires_in_seconds: 1,
      };
      await expect(pair.admission.admit(admission)).rejects.toThrow(/no plain file name|named twice/);
    },
  );

  test('a symbolic link in the staging folder is not followed', async () => {
    const admitted = await admit(pair, ['small']);
    const victim = join(pair.root, 'victim');
    writeFileSync(victim, 'untouched');
    symlinkSync(victim, join(admitted.folder, 'small'));
    await expect(pair.senders.send(admitted.transfer, watching())).rejects.toMatchObject({
      code: 'mover_write_failed',
    });
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    await pair.admission.withdraw(admitted.id);
  });

  test('a disk that has grown beyond what was admitted is refused', async () => {
    writeFileSync(join(pair.source, 'grown'), randomBytes(1000));
    const admitted = await admit(pair, ['grown']);
    writeFileSync(join(pair.source, 'grown'), randomBytes(1001));
    await expect(pair.senders.send(admitted.transfer, watching())).rejects.toMatchObject({
      code: 'mover_refused',
    });
    await pair.admission.withdraw(admitted.id);
  });
});
