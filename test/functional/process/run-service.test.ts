import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'service-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  readonly messages: readonly string[];
}

/** Runs the probe; `onReady` is called when its ready line has come. */
function run(
  behaviour: string,
  given: readonly string[] = [],
  onReady: (kill: () => void) => void = () => {},
) {
  return new Promise<Outcome>((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'probe-service.ts'), ...given], {
      env: { ...process.env, PROBE: behaviour, UV_THREADPOOL_SIZE: '1' },
    });
    let output = '';
    let stderr = '';
    let told = false;
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (told || !output.includes('"msg":"ready"')) return;
      told = true;
      onReady(() => child.kill('SIGTERM'));
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const messages = output
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { msg: string }).msg);
      resolve({ code, stderr, messages });
    });
  });
}

test('it says that it is ready, in a file too, and closes in order on a signal', async () => {
  const file = join(folder, 'ready');
  let content: unknown;
  const outcome = await run('works', ['--ready-file', file], (kill) => {
    content = JSON.parse(readFileSync(file, 'utf8'));
    kill();
  });
  expect(outcome).toMatchObject({ code: 0, messages: ['ready', 'closing', 'closed'] });
  expect(content).toMatchObject({ process: 'probe', port: 1234, pid: expect.any(Number) as number });
  expect(existsSync(file)).toBe(false);
});

test('the last lines are written, and in order, when it ends faster than they go out', async () => {
  expect(await run('is busy', [], (kill) => kill())).toMatchObject({
    code: 0,
    messages: ['ready', 'closing', 'closed'],
  });
});

test('the last lines are written, and in order, when it cannot start', async () => {
  expect(await run('is busy and fails')).toMatchObject({
    code: 1,
    messages: ['starting', 'still starting', 'start failed'],
  });
});

test.each([
  ['stops', 0],
  ['throws', 70],
  ['rejects', 70],
  ['start fails', 1],
])('a service that %s ends with %i', async (behaviour, code) => {
  expect((await run(behaviour)).code).toBe(code);
});

test('a close that hangs is cut off', async () => {
  expect(await run('hangs', [], (kill) => kill())).toMatchObject({ code: 1 });
});

test('a wrong configuration is told in words and ends with 78', async () => {
  const file = join(folder, 'bad.conf');
  writeFileSync(file, '[DEFAULT]\nhosst = a\n');
  const outcome = await run('works', ['--config-file', file]);
  expect(outcome.code).toBe(78);
  expect(outcome.stderr).toContain(`${file}:2: unknown option "hosst" in [DEFAULT]; did you mean "host"?`);
});

test('a wrong command line ends with 64', async () => {
  expect((await run('works', ['--wrong'])).code).toBe(64);
});
