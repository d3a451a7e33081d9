import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/**
 * Passwords are kept as `scrypt$N$r$p$salt$hash`. One log-in takes 128·N·r bytes and a core for a moment, so
 * only a few run at once and a bounded number waits: log-ins cannot exhaust the machine.
 */
const BLOCK_SIZE = 8;
// Work without more memory: a log-in is as dear as with twice the cost, and the process stays small.
const PARALLELIZATION = 2;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const RUNNING_MAX = 2;
const WAITING_MAX = 200;
/** Longer passwords are refused before any work is done. */
export const PASSWORD_LENGTH_MAX = 1024;

let running = 0;
const waiting: (() => void)[] = [];

/** @throws DroverError too_many_logins (429) */
async function limited<Result>(work: () => Promise<Result>): Promise<Result> {
  if (running >= RUNNING_MAX) {
    if (waiting.length >= WAITING_MAX) throw new DroverError('too_many_logins');
    // Whoever ends hands its place over, so `running` does not change here.
    await new Promise<void>((resolve) => void waiting.push(resolve));
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

function derive(password: string, salt: Buffer, length: number, options: ScryptOptions): Promise<Buffer> {
  const maxmem = 256 * (options.N ?? 1) * (options.r ?? BLOCK_SIZE) + 1_048_576;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { ...options, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** Default of the option `[identity] password_hash_cost`: 16 MiB and some 60 ms per log-in. */
export const PASSWORD_HASH_COST = 14;

/** @param cost power of two, option `[identity] password_hash_cost` */
export async function hashPassword(password: string, cost = PASSWORD_HASH_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const N = 2 ** cost;
  const key = await limited(() =>
    derive(password, salt, HASH_BYTES, { N, r: BLOCK_SIZE, p: PARALLELIZATION }),
  );
  return ['scrypt', N, BLOCK_SIZE, PARALLELIZATION, salt.toString('base64'), key.toString('base64')].join(
    '$',
  );
}

/**
 * Compares in constant time. A null hash (no such user, or none that may log in with a password) costs as much
 * as a real one, so that the answer's time does not tell which users exist.
 */
export async function verifyPassword(
  password: string,
  stored: string | null,
  cost: number,
): Promise<boolean> {
  const [scheme, N, r, p, salt = '', hash = ''] = (stored ?? unmatchable(cost)).split('$');
  if (scheme !== 'scrypt') throw new Error('unknown scheme of a stored password');
  const expected = Buffer.from(hash, 'base64');
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  const key = await limited(() => derive(password, Buffer.from(salt, 'base64'), expected.length, options));
  return timingSafeEqual(key, expected) && stored !== null;
}

function unmatchable(cost: number): string {
  const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64');
  return ['scrypt', 2 ** cost, BLOCK_SIZE, PARALLELIZATION, zeros(SALT_BYTES), zeros(HASH_BYTES)].join('$');
}
