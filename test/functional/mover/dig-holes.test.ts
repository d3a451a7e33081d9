import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { digHoles, digZeros } from '../../../services/compute-agent/mover/receiver/dig-holes.ts';
import {
  identityOf,
  isRunning,
  killIfOurs,
  untilGone,
  type ProcessIdentity,
} from '../../../services/compute-agent/mover/process-identity.ts';

const DIG_HOLES = new URL('../../../services/compute-agent/mover/receiver/dig-holes.ts', import.meta.url);

test('what digs holes ends with the receiver that started it: nothing digs in what the next one writes', async () => {
  const root = mkdtempSync(join(tmpdir(), 'drover-dig-'));
  const tool = join(root, 'fallocate');
  const started = join(root, 'started');
  // One that would not end by itself.
  writeFileSync(
    tool,
    `#!/bin/sh\necho $$ > '${started}.new'\nmv '${started}.new' '${started}'\nexec sleep 600\n`,
  );
  chmodSync(tool, 0o755);
  const watcher = watch(root);
  let digging: ProcessIdentity | null = null;
  const code = `
    const { digHoles } = await import(${JSON.stringify(DIG_HOLES.href)});
    await digHoles(${JSON.stringify(root)}, 'disk', [{ offset: 0, length: 4096 }], () => undefined);
  `;
  const receiver = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    env: { PATH: `${root}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: 'ignore',
  });
  try {
    while (!existsSync(started)) await once(watcher, 'change');
    digging = identityOf(Number(readFileSync(started, 'utf8')));
    expect(digging).not.toBeNull();
    receiver.kill('SIGKILL');
    if (digging !== null) await untilGone(digging, 'digging');
    expect(digging !== null && isRunning(digging)).toBe(false);
  } finally {
    receiver.kill('SIGKILL');
    if (digging !== null) killIfOurs(digging, 'sleep');
    watcher.close();
    rmSync(root, { recursive: true });
  }
});

test('a hole that is not dug in time is left, with those behind it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'drover-dig-'));
  // One that would not end by itself.
  const tool = join(root, 'fallocate');
  writeFileSync(tool, '#!/bin/sh\nexec sleep 600\n');
  chmodSync(tool, 0o755);
  vi.stubEnv('PATH', `${root}${delimiter}${process.env['PATH'] ?? ''}`);
  try {
    const runs = [0, 8192].map((offset) => ({ offset, length: 4096 }));
    let dug = 0;
    await digHoles(root, 'disk', runs, () => (dug += 1), 0.2);
    expect(dug).toBe(1);
  } finally {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  }
});

test.each([false, true])(
  'no more than what was found is dug, and each is told; in haste: %s',
  async (in_haste) => {
    const RUN_BYTES = 256 * 1024;
    const root = mkdtempSync(join(tmpdir(), 'drover-dig-'));
    const path = join(root, 'disk');
    try {
      // Zeros from end to end: whoever looked for them would dig everything.
      writeFileSync(path, Buffer.alloc(64 * RUN_BYTES));
      const runs = Array.from({ length: 24 }, (_, place) => ({
        offset: place * 2 * RUN_BYTES,
        length: RUN_BYTES,
      }));
      const allocated = statSync(path).blocks * 512;
      let dug = 0;
      let flushed = 0;
      const disk = {
        name: 'disk',
        takeZeroRuns: (most: number) => runs.slice(0, most),
        flush: () => Promise.resolve(void (flushed += 1)),
      };
      await digZeros([disk], { folder: root, in_haste, onDug: () => (dug += 1) });
      const expected = in_haste ? 16 : 24;
      expect([dug, flushed]).toEqual([expected, 1]);
      const freed_runs = (allocated - statSync(path).blocks * 512) / RUN_BYTES;
      // A file in more pieces takes a block more for itself.
      expect(Math.round(freed_runs)).toBe(expected);
    } finally {
      rmSync(root, { recursive: true });
    }
  },
);
