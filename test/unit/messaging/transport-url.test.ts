import { expect, test } from 'vitest';
import { parseTransportUrl } from '../../../shared/messaging/transport-url.ts';

const text = (url: string) =>
  parseTransportUrl(url)
    .map((one) => `${one.protocol} ${one.username} ${one.password} ${one.hostname} ${one.port} ${one.vhost}`)
    .join(' | ');

test.each([
  ['rabbit://', 'amqp guest guest 127.0.0.1 5672 /'],
  ['amqp://u:p@h', 'amqp u p h 5672 /'],
  ['amqp://u:p@h:1/', 'amqp u p h 1 /'],
  ['rabbit://u:p@h:1/v', 'amqp u p h 1 v'],
  ['rabbit://u:p@h:1//', 'amqp u p h 1 /'],
  ['amqp://u:p@h/%2Fx', 'amqp u p h 5672 /x'],
  ['rabbits://u:p@h', 'amqps u p h 5671 /'],
  ['rabbit://u:p%40q@h', 'amqp u p@q h 5672 /'],
  ['rabbit://u:p#q;r/s?t@h/v', 'amqp u p#q;r/s?t h 5672 v'],
  ['rabbit://u:100%@h', 'amqp u 100% h 5672 /'],
  ['rabbit://u:p@[::1]:7/v', 'amqp u p ::1 7 v'],
  ['rabbit://u:p@h1:1,w:q@h2:2/v', 'amqp u p h1 1 v | amqp w q h2 2 v'],
  ['rabbit://u:p,q@h1,w:q@h2/v', 'amqp u p,q h1 5672 v | amqp w q h2 5672 v'],
  ['rabbit://h1,h2/v', 'amqp guest guest h1 5672 v | amqp guest guest h2 5672 v'],
])('%s', (url, expected) => expect(text(url)).toBe(expected));

test.each(['http://h', 'rabbit://u:hidden@h:port', 'amqp://u:hidden@h:70000'])('%s is refused', (url) => {
  expect(() => parseTransportUrl(url)).toThrow(/transport_url is not valid/);
  expect(() => parseTransportUrl(url)).not.toThrow(/hidden/);
});
