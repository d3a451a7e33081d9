import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  endProcess,
  environmentFor,
  isAlive,
  processesOf,
  recordOf,
  signal,
  waitFor,
} from '../../../scripts/cluster/processes.ts';

const own = recordOf(process.pid)!;

test('a process is known by pid and start time: a later one with its pid is not it', () => {
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, start_ticks: own.start_ticks - 1 })).toBe(false);
  expect(isAlive(undefined)).toBe(false);
});

test('a process that is not the recorded one is never signalled', () => {
  // This would end the test run if it were.
  signal({ ...own, start_ticks: own.start_ticks - 1 }, 'SIGKILL');
  expect(isAlive(own)).toBe(true);
});

test('processes of a cluster are found by its mark, with their descendants, and nothing else', async () => {
  const cluster_id = `unit-${process.pid}`;
  // The inner shell clears its environment: only its parent says whose it is.
  const child = spawn('sh', ['-c', 'env -i sleep 60 & echo started; wait'], {
    env: environmentFor(cluster_id),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const record = recordOf(child.pid!)!;
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const found = processesOf(cluster_id, []);
    expect(found).toContainEqual(record);
    expect(found).toHaveLength(2);
    expect(processesOf(`${cluster_id}-other`, [])).toEqual([]);
  } finally {
    for (const each of processesOf(cluster_id, [])) await endProcess(each);
  }
  expect(isAlive(record)).toBe(false);
  expect(processesOf(cluster_id, [record])).toEqual([]);
});

test('a wait names what it waited for, and keeps the last cause', async () => {
  const wait = waitFor({ name: 'the moon', timeout_seconds: 0.05 }, () => {
    throw new Error('it is cloudy');
  });
  await expect(wait).rejects.toThrow('waited for the moon: not within 0.05 s');
  await expect(wait).rejects.toMatchObject({ cause: { message: 'it is cloudy' } });
});

test('a wait ends at once when its process has ended', async () => {
  const gone = { ...own, start_ticks: own.start_ticks - 1 };
  const wait = waitFor({ name: 'an answer', timeout_seconds: 60, process: gone }, () => false);
  await expect(wait).rejects.toThrow('its process has ended');
});

test("our processes do not see the caller's settings", () => {
  const environment = environmentFor('abc', { EXTRA: '1' });
  const names = Object.keys(environment);
  expect(names.filter((name) => name.startsWith('OS_'))).toEqual([]);
  expect(names.filter((name) => name.startsWith('DROVER_'))).toEqual(['DROVER_CLUSTER']);
  expect(environment).toMatchObject({ DROVER_CLUSTER: 'abc', EXTRA: '1' });
  expect(environmentFor(null)).not.toHaveProperty('DROVER_CLUSTER');
});
