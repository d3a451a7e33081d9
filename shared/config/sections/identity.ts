import { duration, integer, string } from '../option.ts';
import { defineSection } from '../section.ts';

export const identitySection = defineSection('identity', 'The identity service of the api.', {
  token_expiration_seconds: duration({ default: 3600, minimum: 1, help: 'Lifetime of a token.' }),
  password_hash_cost: integer({
    default: 14,
    minimum: 10,
    maximum: 20,
    help: 'Cost of scrypt as a power of two: one more doubles time and memory of a log-in.',
  }),
  region: string({ default: 'RegionOne', help: 'Region of all endpoints in the catalog.' }),
});
