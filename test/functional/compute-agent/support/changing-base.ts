import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { ImageSource } from '../../../../shared/domain/instance-spec.ts';
import type { CommandResults, DiskDescription } from '../../../../shared/messaging/commands.ts';
import { createOverlay, expectSameView, flipBit, writeBytes } from '../disk-images.ts';
import { Move, openDiskPair, placeGuest, type DiskPair } from '../disk-pair.ts';

/** Guests whose disks stand on a file that changes, or is damaged, while they move: real files, a real mover, a real sshd. */

export const MEBIBYTE = 1024 ** 2;
const BASE_BYTES = 3 * MEBIBYTE;
/** What a bit at `at` in the second MiB is called. */
export const at = MEBIBYTE + 5000;
export const named = `the ${MEBIBYTE} bytes at offset ${MEBIBYTE} differ`;

export let pair: DiskPair;
export let base: string;

export async function open(settings: Parameters<typeof openDiskPair>[0] = {}): Promise<void> {
  pair = await openDiskPair(settings);
  const elsewhere = join(pair.root, 'elsewhere');
  mkdirSync(elsewhere);
  base = join(elsewhere, 'base.img');
  // Nothing of it can be packed: what is sent can be told from what is not.
  writeFileSync(base, randomBytes(BASE_BYTES));
}
/** Two hosts and the file, for each test of a file. */
export function useBase(): void {
  beforeEach(() => open());
  afterEach(() => pair.close());
}

export const sha512 = (path: string) => createHash('sha512').update(readFileSync(path)).digest('hex');
export const cached = (host: 'source' | 'target', digest: string) =>
  join(pair[host].instances_path, '_base', digest);

/** A guest whose disk stands on a file; elsewhere, unless told. @param second_on what a second disk stands on */
export const guest = (on = base, image: ImageSource | null = null, second_on: string | null = null) =>
  placeGuest(
    pair.source,
    (folder) => {
      createOverlay(join(folder, 'disk'), on, 'raw');
      // Nothing of it can be packed either.
      const own = join(pair.root, 'own');
      writeFileSync(own, randomBytes(MEBIBYTE));
      writeBytes(join(folder, 'disk'), own, '2M', '1M');
      if (second_on !== null) createOverlay(join(folder, 'disk.eph0'), second_on, 'raw');
      const names = second_on === null ? ['disk'] : ['disk', 'disk.eph0'];
      return names.map((name) => ({ name, format: 'qcow2' as const, backing: null }));
    },
    { image },
  );

export const begin = async () => new Move(pair.source, pair.target, await guest());
const expectMoved = (move: Move) =>
  expectSameView(
    join(pair.target.instances_path, move.id, 'disk'),
    join(pair.source.instances_path, `${move.id}.migrated`, 'disk'),
  );

export const copy = async (move: Move) =>
  (await move.here.run('copy', { ...move.order(), tells_changes: true }, 1)).result;
export const verify = async (move: Move) =>
  (await move.there.run('verify', { disks: move.transfer_disks, tells_changes: true }, 1)).result;

/** As the scheduler does it: the target is asked to take what the files are now. */
export async function admitAgain(move: Move, disks: readonly DiskDescription[] = move.surveyed.disks) {
  move.surveyed = { ...move.surveyed, disks };
  const answer = await move.there.run('admit', move.admission(), 1);
  move.admitted = answer.result;
  return answer;
}

export async function expectVerified(move: Move, { digests }: CommandResults['copy']): Promise<void> {
  const found = await verify(move);
  expect(found).toMatchObject({ digests, damaged_count: 0 });
  expect(found).not.toHaveProperty('changed');
}

export async function finish(move: Move): Promise<void> {
  await move.prepare();
  await move.finish();
  expectMoved(move);
  // The guest's home has its disks, and nothing of what came beside them.
  const home = readdirSync(join(pair.target.instances_path, move.id));
  expect(home.filter((name) => name.startsWith('backing.'))).toEqual([]);
}

/** The base and little else: what the target held of the disk was not sent again. */
export function expectOnlyBaseSent({ sent_bytes }: CommandResults['copy']): void {
  expect(sent_bytes).toBeGreaterThan(BASE_BYTES);
  expect(sent_bytes).toBeLessThan(BASE_BYTES + 0.2 * MEBIBYTE);
}

/** As a tool does that makes a file anew: the name is the same, the file is not. */
export function replace(): void {
  copyFileSync(base, `${base}.new`);
  flipBit(`${base}.new`, at);
  renameSync(`${base}.new`, base);
}

/** Has something happen before and after the disks are sent, once. */
export function aroundSending(before: () => void, after: () => void): void {
  const { sender } = pair;
  const send = sender.send.bind(sender);
  sender.send = async (...words) => {
    sender.send = send;
    before();
    const result = await send(...words);
    after();
    return result;
  };
}

export const refused = (message: RegExp) => ({
  type: 'step_failed',
  code: 'backing_image_changed',
  retriable: false,
  message: expect.stringMatching(message) as unknown,
});
