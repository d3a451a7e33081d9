import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandNames } from '../../../services/compute-agent/commands/registry.ts';
import {
  calmKnobs,
  KnobBoard,
  parsePerCommand,
} from '../../../services/compute-agent/hypervisor/fake/knobs.ts';
import { HOST } from './samples.ts';

const OPERATION = 'an operation';
const quiet = new AbortController().signal;
const board = (knobs: object, file: string | null = null) =>
  new KnobBoard({ configured: { ...calmKnobs, ...knobs }, file, host: HOST });

test('option values', () => {
  expect(parsePerCommand(['adopt=2', ' stop ', 'copy = 0.5'], commandNames, Infinity)).toEqual({
    adopt: 2,
    stop: Infinity,
    copy: 0.5,
  });
  expect(() => parsePerCommand(['adpot=2'], commandNames, Infinity)).toThrow(/"adpot=2" names no command/);
});

test('fails as often as it was told to, before or after the work', async () => {
  const one = board({ fail: { stop: 1 }, fail_after: { adopt: 1 }, lose_reply: { copy: 1 } });
  await expect(one.before('stop', OPERATION, quiet)).rejects.toMatchObject({ code: 'fake_failure' });
  await one.before('stop', OPERATION, quiet);
  await one.before('adopt', OPERATION, quiet);
  await expect(one.after('adopt')).rejects.toMatchObject({ code: 'fake_failure' });
  expect(await one.after('adopt')).toBe('answer');
  expect(await one.after('copy')).toBe('keep silent');
  expect(await one.after('copy')).toBe('answer');
});

test('a hanging command ends when it is given up', async () => {
  const abort = new AbortController();
  const hanging = board({ hang: { stop: Infinity } }).before('stop', OPERATION, abort.signal);
  abort.abort(new Error('given up'));
  await expect(hanging).rejects.toThrow('given up');
});

test('a file is read again when it changes, and one that is wrong changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-knobs-'));
  try {
    const file = join(folder, 'knobs.json');
    const one = board({ boot_delay_seconds: 3 }, file);
    expect(await one.read()).toMatchObject({ boot_delay_seconds: 3, fail: {} });
    writeFileSync(file, '{"fail":{"stop":true}}');
    expect(await one.read()).toMatchObject({ boot_delay_seconds: 3, fail: { stop: Infinity } });
    writeFileSync(file, '{"fail":');
    expect(await one.read()).toMatchObject({ fail: { stop: Infinity } });
    rmSync(file);
    expect(await one.read()).toMatchObject({ fail: {} });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the second command of an operation is held until the file lets it go; the first is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-knobs-'));
  try {
    const file = join(folder, 'knobs.json');
    const one = board({}, file);
    const turn = (text: string): void => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    turn('{"hold_from":{"verify":2}}');
    await one.before('verify', OPERATION, quiet);
    await one.before('verify', 'another operation', quiet);
    let gone = false;
    const held = one.before('verify', OPERATION, quiet).then(() => (gone = true));
    await one.before('stop', OPERATION, quiet);
    expect(gone).toBe(false);
    turn('{"hold_from":{"verify":3}}');
    await held;
    const abort = new AbortController();
    const given_up = one.before('verify', OPERATION, abort.signal);
    abort.abort(new Error('given up'));
    await expect(given_up).rejects.toMatchObject({ name: 'AbortError' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
