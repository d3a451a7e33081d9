import { randomBytes } from 'node:crypto';

const ID_BYTES = 16;
const TOKEN_BYTES = 32;

/** Keystone's form of an id: 32 hexadecimal digits. */
export function newIdentityId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

/** 256 random bits in URL-safe base64. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Keystone's form of an audit id: 128 random bits, 22 characters. */
export function newAuditId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}
