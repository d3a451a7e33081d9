import { describe, expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../../../../services/api/identity/passwords.ts';
import { isDroverError } from '../../../../shared/errors/drover-error.ts';

const COST = 4;

describe('passwords', () => {
  test('match their own hash only', async () => {
    const stored = await hashPassword('correct horse', COST);
    expect(await verifyPassword('correct horse', stored, COST)).toBe(true);
    expect(await verifyPassword('correct horsf', stored, COST)).toBe(false);
    expect(await verifyPassword('', stored, COST)).toBe(false);
  });

  test('two hashes of one password differ, and neither holds it', async () => {
    const [one, two] = await Promise.all([hashPassword('same', COST), hashPassword('same', COST)]);
    expect(one).not.toBe(two);
    expect(one).toMatch(/^scrypt\$16\$8\$\d\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+$/);
  });

  test('a hash of another cost is still read', async () => {
    expect(await verifyPassword('x', await hashPassword('x', COST + 2), COST)).toBe(true);
  });

  test('nobody matches a missing hash', async () => {
    expect(await verifyPassword('', null, COST)).toBe(false);
    expect(await verifyPassword('x', null, COST)).toBe(false);
  });

  test('a flood is cut off with an error, and those inside are all answered', async () => {
    const stored = await hashPassword('x', COST);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, () => verifyPassword('x', stored, COST)),
    );
    const refused = outcomes.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(300 - 202);
    for (const one of refused) expect(isDroverError(one.reason, 'too_many_logins')).toBe(true);
    expect(await verifyPassword('x', stored, COST)).toBe(true);
  });
});
