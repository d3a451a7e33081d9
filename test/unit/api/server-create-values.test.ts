import { describe, expect, it } from 'vitest';
import {
  guestHostname,
  parseZone,
  textProperties,
} from '../../../services/api/routes/server-create-values.ts';

describe('availability_zone of a request', () => {
  it.each([
    [undefined, null, null, null],
    ['nova', 'nova', null, null],
    ['nova:compute1', 'nova', 'compute1', null],
    ['nova:compute1:node1', 'nova', 'compute1', 'node1'],
    ['nova::node1', 'nova', null, 'node1'],
  ])('%s', (text, zone, host, node) => {
    expect(parseZone(text)).toEqual({ zone, host, node });
  });

  it('has three parts at most', () => {
    expect(() => parseZone('a:b:c:d')).toThrow('Unable to parse availability_zone');
  });
});

describe('host name of a guest', () => {
  it.each([
    ['conf-a', 'conf-a'],
    ['My Server_1.example', 'my-server-1-example'],
    ['--x--', 'x'],
    ['été', 't'],
    ['日本', 'Server-u'],
    ['a'.repeat(80), 'a'.repeat(63)],
  ])('%s', (name, hostname) => {
    expect(guestHostname(name, 'u')).toBe(hostname);
  });
});

it('makes texts of image properties', () => {
  expect(textProperties({ a: 'x', b: 2, c: true })).toEqual({ a: 'x', b: '2', c: 'true' });
});
