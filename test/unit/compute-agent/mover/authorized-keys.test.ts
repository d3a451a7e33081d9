import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  AuthorizedKeysFile,
  authorizedKeyLine,
  type AdmittedKey,
} from '../../../../services/compute-agent/mover/receiver/authorized-keys.ts';

const key: AdmittedKey = {
  public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== somebody',
  source_address: '127.0.1.7',
  expires_at: new Date('2026-01-02T03:04:05.678Z'),
  command: ['/usr/bin/socat', '-', 'UNIX-CONNECT:/run/x'],
};

describe('authorizedKeyLine', () => {
  test('allows one command from one address until one time', () => {
    expect(authorizedKeyLine(key)).toBe(
      'restrict,command="exec /usr/bin/socat - UNIX-CONNECT:/run/x",from="127.0.1.7",expiry-time="20260102030405Z" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==',
    );
  });

  test.each([
    ['a second line', { public_key: `${key.public_key}\nssh-ed25519 AAAA` }],
    ['options before the key', { public_key: `no-pty ${key.public_key}` }],
    ['no key', { public_key: '' }],
    ['a pattern for an address', { source_address: '*' }],
    ['a list of addresses', { source_address: '10.0.0.1,10.0.0.2' }],
    ['a quote in an address', { source_address: '10.0.0.1",command="x' }],
    ['a shell in the command', { command: ['/bin/true', '$(id)'] }],
    ['two commands', { command: ['/bin/true;', '/bin/false'] }],
    ['a blank in a word', { command: ['/bin/a b'] }],
    ['a quote in the command', { command: ['/bin/"'] }],
  ])('%s is refused', (_, change) => {
    expect(() => authorizedKeyLine({ ...key, ...change })).toThrow(RangeError);
  });
});

describe('AuthorizedKeysFile', () => {
  test('writes that come together are one, and each sees what was there when it came', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drover-keys-'));
    try {
      const path = join(folder, 'below', 'authorized_keys');
      const lines: string[] = [];
      let asked = 0;
      const file = new AuthorizedKeysFile(path, () => {
        asked += 1;
        return lines;
      });
      const writes = Array.from({ length: 50 }, async (_, index) => {
        lines.push(`line ${index}`);
        await file.write();
        expect(readFileSync(path, 'utf8')).toContain(`line ${index}\n`);
      });
      await Promise.all(writes);
      expect(asked).toBeLessThan(5);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      lines.length = 0;
      await file.write();
      expect(readFileSync(path, 'utf8')).not.toContain('line');
      expect(existsSync(path)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
