import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { administratorOf, plainUserOf, writeAccessFiles } from '../../../scripts/cluster/access-files.ts';
import { defaultWorld } from '../../../scripts/cluster/world.ts';

const world = defaultWorld(1);
const users = [
  { name: 'zoe', password: 'z', roles: [{ project: 'demo', role: 'reader' }] },
  { name: 'root', password: `it's "$HOME" \`id\``, roles: [{ project: 'admin', role: 'admin' }] },
  { name: 'demo', password: 'd', roles: [{ project: 'demo', role: 'member' }] },
];

test('the administrator is who has the role; the plain user is demo, or else the first other one', () => {
  expect(administratorOf({ ...world, users }).user).toBe('root');
  expect(plainUserOf({ ...world, users })?.user).toBe('demo');
  expect(plainUserOf({ ...world, users: users.slice(0, 2) })?.user).toBe('zoe');
  expect(plainUserOf({ ...world, users: users.slice(1, 2) })).toBeNull();
  expect(() => administratorOf({ ...world, users: users.slice(0, 1) })).toThrow(
    'no user with the role admin',
  );
});

test('a shell that sources openrc gets every character of the password, and no other cloud', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-access-'));
  try {
    writeAccessFiles(folder, { ...world, users }, 'http://127.0.0.1:1234');
    const text = execFileSync('sh', ['-c', '. "$1"; env', 'sh', join(folder, 'openrc')], {
      env: { PATH: process.env['PATH'], OS_CLOUD: 'another', OS_PROJECT_ID: 'another' },
      encoding: 'utf8',
    });
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'OS_USERNAME=root',
        `OS_PASSWORD=it's "$HOME" \`id\``,
        'OS_PROJECT_NAME=admin',
        'OS_AUTH_URL=http://127.0.0.1:1234/identity/v3',
      ]),
    );
    expect(text).not.toContain('another');
    for (const file of ['openrc', 'openrc-demo', 'clouds.yaml'])
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
