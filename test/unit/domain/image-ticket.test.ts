import { describe, expect, test } from 'vitest';
import { imageId } from '../../../shared/domain/ids.ts';
import { mintImageTicket, verifyImageTicket } from '../../../shared/domain/image-ticket.ts';

const key = Buffer.from('0123456789abcdef');
const image = imageId('6ea5b38a-8ef9-4b0e-84db-0212c08538eb');
const ticket = mintImageTicket(key, image, 1000);

describe('an image ticket', () => {
  test('opens its image until its moment', () => {
    expect(verifyImageTicket(key, image, ticket, 999)).toBe(true);
    expect(verifyImageTicket(key, image, ticket, 1000)).toBe(false);
  });

  test('has the agreed form', () => {
    expect(ticket).toMatch(/^1000\.[0-9a-f]{64}$/);
  });

  test.each([
    ['another image', imageId('11111111-1111-1111-1111-111111111111'), ticket],
    ['a later moment', image, ticket.replace('1000.', '2000.')],
    ['a changed digit', image, ticket.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))],
    ['a cut signature', image, ticket.slice(0, -1)],
    ['upper case', image, ticket.toUpperCase()],
    ['a second line', image, `${ticket}\n`],
    ['nothing', image, ''],
  ])('does not open with %s', (_what, id, given) => {
    expect(verifyImageTicket(key, id, given, 1)).toBe(false);
  });

  test('of another key is worthless', () => {
    expect(verifyImageTicket(Buffer.from('other'), image, ticket, 1)).toBe(false);
  });
});
