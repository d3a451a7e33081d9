import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { DroverError } from '../../../shared/errors/drover-error.ts';

const MODULUS_BITS = 2048;

export interface KeypairMaterial {
  readonly public_key: string;
  /** MD5 of the key, in hexadecimal with colons: what the API has always shown. */
  readonly fingerprint: string;
  /** Only when we made the pair. */
  readonly private_key: string | null;
}

/** Reads `type base64 [comment]`. @throws DroverError keypair_invalid */
export function importPublicKey(text: string): KeypairMaterial {
  const [type, encoded] = text.trim().split(/\s+/);
  const isKnown = /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9@.-]+)$/.test(
    type ?? '',
  );
  if (type === undefined || encoded === undefined || !isKnown || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded))
    throw new DroverError('keypair_invalid', { reason: 'failed to generate fingerprint' });
  const blob = Buffer.from(encoded, 'base64');
  // the blob repeats the type, with its length in front
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (blob.subarray(4, 4 + length).toString('latin1') !== type)
    throw new DroverError('keypair_invalid', { reason: 'failed to generate fingerprint' });
  return { public_key: text, fingerprint: fingerprintOf(blob), private_key: null };
}

/** Makes an RSA pair, as Nova does below 2.92. */
export async function makeKeypair(): Promise<KeypairMaterial> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS });
  const { n, e } = pair.publicKey.export({ format: 'jwk' });
  const type = 'ssh-rsa';
  const blob = Buffer.concat([
    sshString(Buffer.from(type)),
    sshInteger(Buffer.from(e ?? '', 'base64url')),
    sshInteger(Buffer.from(n ?? '', 'base64url')),
  ]);
  return {
    public_key: `${type} ${blob.toString('base64')} Generated-by-Drover`,
    fingerprint: fingerprintOf(blob),
    private_key: pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  };
}

function fingerprintOf(blob: Buffer): string {
  return createHash('md5').update(blob).digest('hex').match(/../g)?.join(':') ?? '';
}

/** RFC 4251: length, then bytes. */
function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** RFC 4251 mpint: a zero byte in front where the first bit is set, or it would be negative. */
function sshInteger(bytes: Buffer): Buffer {
  const first = bytes[0] ?? 0;
  return sshString(first >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}
