import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import {
  identityOf,
  isRunning,
  killIfOurs,
  untilGone,
} from '../../../../services/compute-agent/mover/process-identity.ts';

const started: ReturnType<typeof spawn>[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});

async function start() {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  started.push(child);
  await once(child, 'spawn');
  return identityOf(child.pid ?? -1)!;
}

describe('a process that is ended', () => {
  test('is waited for until it is gone', async () => {
    const identity = await start();
    expect(killIfOurs(identity, '60')).toBe(true);
    await untilGone(identity, 'receiver');
    expect(isRunning(identity)).toBe(false);
  });

  test('and stays is named, and not waited for without end', async () => {
    const identity = await start();
    await expect(untilGone(identity, 'receiver', 0.05)).rejects.toMatchObject({
      code: 'mover_process_stuck',
      values: { what: 'receiver', pid: identity.pid, seconds: 0.05 },
    });
  });

  test('is left alone when its command line is not ours', async () => {
    const identity = await start();
    expect(killIfOurs(identity, '--drover-receiver')).toBe(false);
    expect(isRunning(identity)).toBe(true);
  });
});
