import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Lvm } from '../../../../services/compute-agent/volumes/lvm.ts';
import { HOST } from '../samples.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-lvm-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const lvm = () => new Lvm({ host: HOST, search_path: `${folder}:/usr/bin:/bin` });

/** A program that notes its arguments, one a line, and ends as it is told. */
function program(name: string, ending: string): void {
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" > '${join(folder, 'noted')}'\n${ending}\n`;
  writeFileSync(join(folder, name), script, { mode: 0o755 });
}
const noted = () => readFileSync(join(folder, 'noted'), 'utf8').trimEnd().split('\n');

test('asks for reports that do not depend on who reads them', async () => {
  program('vgs', `echo '{"report": [{"vg": [{"vg_size":"8", "vg_free":"4", "vg_extent_size":"2"}]}]}'`);
  expect(await lvm().figures('instances')).toEqual({ size_bytes: 8, free_bytes: 4, extent_bytes: 2 });
  const report = ['--reportformat', 'json', '--units', 'b', '--nosuffix', '--options'];
  expect(noted()).toEqual([...report, 'vg_size,vg_free,vg_extent_size', 'instances']);
  program('lvs', `echo '{"report": [{"lv": []}]}'`);
  expect(await lvm().list('instances')).toEqual([]);
  expect(noted()).toEqual([...report, 'lv_name,lv_size,lv_tags,lv_path', 'instances']);
});

test('makes and removes without a question', async () => {
  const volume = { group: 'instances', name: 'a_disk', size_bytes: 8388608 };
  program('lvcreate', 'exit 0');
  await lvm().create(volume, 'drover.compute1');
  expect(noted()).toEqual(
    '--yes --wipesignatures n --addtag drover.compute1 --size 8388608b --name a_disk instances'.split(' '),
  );
  program('lvremove', 'exit 0');
  await lvm().remove(volume);
  expect(noted()).toEqual(['--yes', 'instances/a_disk']);
});

test.each([
  [
    'volume_group_missing',
    `printf '  Volume group "instances" not found\\n  Cannot process volume group instances\\n' >&2; exit 5`,
    /Volume group instances .* was not found on compute1: Volume group "instances" not found/,
  ],
  [
    'disk_tool_failed',
    `echo '  Permission denied' >&2; exit 5`,
    /vgs failed on compute1 with Permission denied/,
  ],
  ['disk_tool_failed', 'echo hello', /vgs failed on compute1 with an answer that is no report/],
])('%s: %s', async (code, ending, message) => {
  program('vgs', ending);
  await expect(lvm().figures('instances')).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as unknown,
  });
});

test('a volume that is open: who may have it is said, and nothing of free space', async () => {
  program('lvremove', `echo '  Logical volume instances/a_disk in use.' >&2; exit 5`);
  await expect(lvm().remove({ group: 'instances', name: 'a_disk' })).rejects.toMatchObject({
    code: 'volume_in_use',
    values: { volume: 'instances/a_disk' },
    advice: expect.stringContaining('fuser -v /dev/instances/a_disk') as unknown,
  });
});

describe('a program that does not end', () => {
  const hurried = () =>
    new Lvm({
      host: HOST,
      search_path: `${folder}:/usr/bin:/bin`,
      patience: { look_seconds: 0.2, change_seconds: 0.3 },
    });
  const hung = (name: string) => program(name, 'exec sleep 600');

  test('is killed, and its silence is told', async () => {
    hung('vgs');
    await expect(hurried().figures('instances')).rejects.toMatchObject({
      code: 'disk_tool_silent',
      message:
        'vgs did not answer in 0.2 s about volume group instances on compute1: a device of the group may be away.',
    });
  });

  test('has longer for a change', async () => {
    hung('lvcreate');
    const volume = { group: 'instances', name: 'a_disk', size_bytes: 8 };
    await expect(hurried().create(volume, 'ours')).rejects.toMatchObject({
      code: 'disk_tool_silent',
      values: { seconds: 0.3 },
    });
  });

  test('is not joined by others: they are told the same at once, until it has ended', async () => {
    hung('vgs');
    program('lvs', `echo '{"report": [{"lv": []}]}'`);
    const one = hurried();
    await expect(one.figures('instances')).rejects.toMatchObject({ code: 'disk_tool_silent' });
    // It was killed this moment: that it has ended is not known yet.
    await expect(one.list('instances')).rejects.toMatchObject({ code: 'disk_tool_silent' });
    await expect.poll(() => one.list('instances').catch(() => null), { timeout: 5_000 }).toEqual([]);
  });
});

test('says which package a missing program is of', async () => {
  await expect(lvm().list('instances')).rejects.toMatchObject({
    code: 'disk_tool_missing',
    message: expect.stringContaining('lvs is not installed on compute1') as unknown,
    values: { package: 'lvm2' },
  });
});
