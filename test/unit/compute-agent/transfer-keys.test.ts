import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { makeTransferKey, TransferKeys } from '../../../services/compute-agent/transfer-keys.ts';
import { newMigrationId } from './samples.ts';

test('ssh2 reads the pair as one key that signs', async () => {
  const { public_key, private_key } = await makeTransferKey('drover-test');
  const secret = ssh2.utils.parseKey(private_key);
  const shown = ssh2.utils.parseKey(public_key);
  if (secret instanceof Error) throw secret;
  if (shown instanceof Error) throw shown;
  expect(secret.getPublicSSH()).toEqual(shown.getPublicSSH());
  expect(shown.verify('text', secret.sign('text'))).toBe(true);
  expect(public_key).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]{68} drover-test$/);
});

test('one key per migration, until it is forgotten', async () => {
  const keys = new TransferKeys();
  const migration = newMigrationId();
  expect(keys.find(migration)).toBeNull();
  const key = await keys.ensure(migration);
  expect(await keys.ensure(migration)).toBe(key);
  expect(await keys.ensure(newMigrationId())).not.toEqual(key);
  keys.forget(migration);
  expect(keys.find(migration)).toBeNull();
});
