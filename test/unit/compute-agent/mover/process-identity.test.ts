import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
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

  test('is there as long as one of its threads is', async () => {
    // The first thread ends, as a kill ends it; the other one stands for one that hangs in the kernel.
    const code = [
      'import ctypes, threading, sys',
      'threading.Thread(target=sys.stdin.read).start()',
      "print('.', flush=True)",
      'ctypes.CDLL(None).pthread_exit(None)',
    ].join('\n');
    const child = spawn('python3', ['-c', code], { stdio: ['pipe', 'pipe', 'ignore'] });
    started.push(child);
    await once(child.stdout, 'data');
    const stat = (): string => readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    await vi.waitUntil(() => stat().includes(') Z '), { interval: 5, timeout: 5000 });
    const identity = identityOf(child.pid ?? -1)!;
    expect(isRunning(identity)).toBe(true);
    expect(killIfOurs(identity, '--whatever')).toBe(true);
    await untilGone(identity, 'receiver');
    expect(isRunning(identity)).toBe(false);
  });

  test('is left alone when its command line is not ours', async () => {
    const identity = await start();
    expect(killIfOurs(identity, '--drover-receiver')).toBe(false);
    expect(isRunning(identity)).toBe(true);
  });
});
