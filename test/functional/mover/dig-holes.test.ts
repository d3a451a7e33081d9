import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
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
    await digHoles(${JSON.stringify(root)}, 'disk', [{ offset: 0, length: 4096 }], { in_haste: false });
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
