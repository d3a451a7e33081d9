import { describe, expect, test } from 'vitest';
import {
  Microversion,
  parseVersion,
  requireVersion,
  supportedVersion,
} from '../../../../services/api/http/microversion.ts';
import { isDroverError } from '../../../../shared/errors/drover-error.ts';

const standard = (value: string) => ({ 'openstack-api-version': value });
const legacy = (value: string) => ({ 'x-openstack-nova-api-version': value });

describe('microversion', () => {
  test.each([
    ['none', {}, 1],
    ['the standard header', standard('compute 2.56'), 56],
    ['the old header', legacy('2.30'), 30],
    ['both: the standard one counts', { ...standard('compute 2.60'), ...legacy('2.56') }, 60],
    ['several services', standard('placement 1.2, compute 2.60'), 60],
    ['another service only', standard('placement 1.10'), 1],
    ['another service beside the old header', { ...standard('placement 1.10'), ...legacy('2.7') }, 7],
    ['latest', standard('compute latest'), 93],
    ['the first', standard('compute 2.1'), 1],
    ['the last', legacy('2.93'), 93],
  ])('%s', (_what, headers, minor) => {
    expect(supportedVersion(parseVersion(headers)).minor).toBe(minor);
  });

  test.each(['2.94', '2.0', '3.0', '1.1', '2.999', '2.104'])('%s is unknown', (text) => {
    const expected = `Version ${text} is not supported by the API. Minimum is 2.1 and maximum is 2.93.`;
    expect(() => supportedVersion(parseVersion(legacy(text)))).toThrow(expected);
  });

  test.each(['abc', '2', '2.01', '2.x', '2.1.1', '-2.1', '2.', '2.latest', ' ', 'Latest'])(
    '"%s" is malformed',
    (text) => {
      try {
        parseVersion(legacy(text));
        expect.unreachable();
      } catch (error) {
        expect(isDroverError(error, 'microversion_malformed')).toBe(true);
      }
    },
  );

  test('compares numbers, not texts', () => {
    expect(new Microversion(9).atLeast(2, 56)).toBe(false);
    expect(new Microversion(56).atLeast(2, 56)).toBe(true);
    expect(new Microversion(93).atLeast(2, 9)).toBe(true);
  });

  test('a route outside its versions is not found', () => {
    expect(() => requireVersion(new Microversion(43), { last: 42 })).toThrow(
      'The resource could not be found.',
    );
    expect(() => requireVersion(new Microversion(42), { last: 42 })).not.toThrow();
    expect(() => requireVersion(new Microversion(58), { first: 59 })).toThrow();
  });
});
