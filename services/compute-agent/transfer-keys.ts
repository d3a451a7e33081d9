import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { MigrationId } from '../../shared/domain/ids.ts';

export interface TransferKey {
  /** OpenSSH's one-line form, as an authorized_keys file has it. */
  readonly public_key: string;
  /** OpenSSH's private form. Never written to a file, never logged. */
  readonly private_key: string;
}

/** Keys are forgotten when their migration's source is retired; this bounds those of migrations that never got there. */
const KEYS_MAX = 4096;

/** The keys of the migrations that leave this host. They live in memory only: an agent's restart loses them. */
export class TransferKeys {
  readonly #keys = new Map<MigrationId, TransferKey>();

  /** The migration's key, made at its first use. */
  async ensure(migration: MigrationId): Promise<TransferKey> {
    const present = this.#keys.get(migration);
    if (present !== undefined) return present;
    const key = await makeTransferKey(`drover-migration-${migration}`);
    this.#keys.set(migration, key);
    const oldest = this.#keys.keys().next();
    if (this.#keys.size > KEYS_MAX && oldest.done !== true) this.#keys.delete(oldest.value);
    return key;
  }

  find(migration: MigrationId): TransferKey | null {
    return this.#keys.get(migration) ?? null;
  }

  forget(migration: MigrationId): void {
    this.#keys.delete(migration);
  }
}

/**
 * Makes an ed25519 key pair in OpenSSH's forms: Node exports PKCS#8 only, which neither sshd nor ssh2 takes for this
 * kind of key. Layout of the private form: OpenSSH's PROTOCOL.key.
 */
export async function makeTransferKey(comment: string): Promise<TransferKey> {
  const { privateKey } = await promisify(generateKeyPair)('ed25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(d, 'base64url');
  const point = Buffer.from(x, 'base64url');
  const public_blob = Buffer.concat([field('ssh-ed25519'), field(point)]);

  const check = randomBytes(4);
  const fields = [field('ssh-ed25519'), field(point), field(Buffer.concat([seed, point])), field(comment)];
  const secret = Buffer.concat([check, check, ...fields]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const key_count = Buffer.from([0, 0, 0, 1]);
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    // Cipher, key derivation and its options: the key is not encrypted, it never leaves memory.
    field('none'),
    field('none'),
    field(''),
    key_count,
    field(public_blob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    public_key: `ssh-ed25519 ${public_blob.toString('base64')} ${comment}`,
    private_key: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
  };
}

/** SSH's `string`: length, then bytes. */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
