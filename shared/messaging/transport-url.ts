import { DroverError } from '../errors/drover-error.ts';

/** One broker of the cluster that a transport URL names. */
export interface BrokerAddress {
  readonly protocol: 'amqp' | 'amqps';
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

const SECURE_SCHEMES = new Set(['amqps', 'rabbits']);

/**
 * Reads oslo.messaging's form, `rabbit://user:password@host:port[,user:password@host:port…]/vhost`, and amqp(s)://.
 * User and password may be percent-encoded; a password may also hold `#`, `?` or `/` as it is, because the last
 * `@` of a part ends it (generic URL parsers cut there). No vhost is the broker's default `/`.
 * @throws DroverError transport_url_invalid; the text never holds the URL
 */
export function parseTransportUrl(url: string): readonly BrokerAddress[] {
  const match = /^(rabbits?|amqps?):\/\/(.*)$/s.exec(url);
  if (match === null) throw invalid('it must start with rabbit:// or amqp://');
  const secure = SECURE_SCHEMES.has(match[1] ?? '');
  const rest = match[2] ?? '';
  const slash = rest.indexOf('/', rest.lastIndexOf('@') + 1);
  const hosts = slash < 0 ? rest : rest.slice(0, slash);
  const path = (slash < 0 ? '' : rest.slice(slash + 1)).replace(/\?.*$/s, '');
  const vhost = path === '' ? '/' : decode(path);
  return splitHosts(hosts).map((part) => ({
    protocol: secure ? 'amqps' : 'amqp',
    ...parsePart(part, secure),
    vhost,
  }));
}

/** `host:port` for logs and errors. */
export function brokerName(broker: BrokerAddress): string {
  return `${broker.hostname}:${broker.port}`;
}

/** Commas part brokers, but a password may hold one: a part without a host (no `@` yet to come) is joined on. */
function splitHosts(hosts: string): readonly string[] {
  if (!hosts.includes('@')) return hosts.split(',');
  const parts: string[] = [];
  let open = '';
  for (const piece of hosts.split(',')) {
    open = open === '' ? piece : `${open},${piece}`;
    if (open.includes('@')) {
      parts.push(open);
      open = '';
    }
  }
  return open === '' ? parts : [...parts, open];
}

function parsePart(part: string, secure: boolean) {
  const at = part.lastIndexOf('@');
  const credentials = at < 0 ? 'guest:guest' : part.slice(0, at);
  const colon = credentials.indexOf(':');
  const place = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/i.exec(part.slice(at + 1));
  const port = place?.[2] === undefined ? (secure ? 5671 : 5672) : Number(place[2]);
  if (place === null || port < 1 || port > 65_535) throw invalid('a host must be written host:port');
  const hostname = (place[1] ?? '').replaceAll(/[[\]]/g, '');
  return {
    hostname: hostname === '' ? '127.0.0.1' : hostname,
    port,
    username: decode(colon < 0 ? credentials : credentials.slice(0, colon)),
    password: colon < 0 ? '' : decode(credentials.slice(colon + 1)),
  };
}

/** A percent sign that starts no escape stands for itself: passwords are often pasted as they are. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalid(reason: string): DroverError {
  return new DroverError('transport_url_invalid', { reason });
}
