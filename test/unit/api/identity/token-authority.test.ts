import { describe, expect, test } from 'vitest';
import { createTokenAuthority } from '../../../../services/api/identity/token-authority.ts';
import type { Pool } from '../../../../shared/database/connect.ts';

const row = (expires_at: number) => ({
  methods: ['password'],
  audit_ids: ['a'],
  issued_at: new Date(0),
  expires_at: new Date(expires_at),
  user: { id: 'u', name: 'demo', domain: { id: 'default', name: 'Default' } },
  project: { id: 'p', name: 'demo', domain: { id: 'default', name: 'Default' } },
  roles: [{ id: 'r', name: 'member' }],
});

/** A database with one token in it, that counts how often it is asked. */
function fakePool(found: () => object | null) {
  const asked = { count: 0 };
  const query = () => {
    asked.count += 1;
    const one = found();
    return Promise.resolve({ rows: one === null ? [] : [one] });
  };
  return { pool: { query } as unknown as Pool, asked };
}

describe('the token authority', () => {
  test('asks the database once for many requests, and again after three seconds', async () => {
    let now = 0;
    const { pool, asked } = fakePool(() => row(1e6));
    const authority = createTokenAuthority(
      pool,
      () => false,
      () => now,
    );
    const callers = await Promise.all(Array.from({ length: 50 }, () => authority.authenticate('t')));
    expect(callers.every((caller) => caller?.user_name === 'demo')).toBe(true);
    now = 2999;
    await authority.authenticate('t');
    expect(asked.count).toBe(1);
    now = 3000;
    await authority.authenticate('t');
    expect(asked.count).toBe(2);
  });

  test('a revoked token is refused within three seconds, at once where it was revoked', async () => {
    let now = 0;
    let exists = true;
    const { pool } = fakePool(() => (exists ? row(1e6) : null));
    const authority = createTokenAuthority(
      pool,
      () => false,
      () => now,
    );
    expect(await authority.authenticate('t')).not.toBeNull();
    exists = false;
    now = 2999;
    expect(await authority.authenticate('t')).not.toBeNull();
    now = 3000;
    expect(await authority.authenticate('t')).toBeNull();
    exists = true;
    expect(await authority.authenticate('t')).not.toBeNull();
    exists = false;
    authority.forgetAll();
    expect(await authority.authenticate('t')).toBeNull();
  });

  test('a token expires while it is cached', async () => {
    let now = 0;
    const { pool } = fakePool(() => row(1000));
    const authority = createTokenAuthority(
      pool,
      () => false,
      () => now,
    );
    expect(await authority.authenticate('t')).not.toBeNull();
    now = 1000;
    expect(await authority.authenticate('t')).toBeNull();
  });

  test('a database that failed is asked again', async () => {
    let fails = true;
    const { pool, asked } = fakePool(() => {
      if (fails) throw new Error('gone');
      return row(1e6);
    });
    const authority = createTokenAuthority(
      pool,
      () => true,
      () => 0,
    );
    await expect(authority.authenticate('t')).rejects.toThrow('gone');
    fails = false;
    expect(await authority.authenticate('t')).toMatchObject({ is_admin: true, is_scoped: true });
    expect(asked.count).toBe(2);
  });
});
