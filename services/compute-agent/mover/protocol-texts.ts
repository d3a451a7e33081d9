import {
  DISKS_MAX,
  PROTOCOL,
  ProtocolError,
  type Begin,
  type Done,
  type Failed,
  type Finish,
  type Hello,
  type Ready,
  type Welcome,
} from './protocol.ts';

/**
 * Readers of the protocol's JSON frames. Each takes what it knows and throws ProtocolError for anything that
 * is missing or of another type; unknown members are ignored, so that a later version may add some.
 */
type Members = Readonly<Record<string, unknown>>;

function membersOf(body: Buffer): Members {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new ProtocolError('a frame that is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('a frame that is no JSON object');
  }
  return value as Members;
}

function text(members: Members, name: string, length_max = 4096): string {
  const value = members[name];
  if (typeof value !== 'string' || value.length > length_max) throw new ProtocolError(`no text "${name}"`);
  return value;
}

function count(members: Members, name: string, maximum: number): number {
  const value = members[name];
  if (!Number.isSafeInteger(value) || Number(value) < 0 || Number(value) > maximum) {
    throw new ProtocolError(`no number "${name}"`);
  }
  return Number(value);
}

function list(members: Members, name: string): readonly unknown[] {
  const value = members[name];
  if (!Array.isArray(value) || value.length > DISKS_MAX) throw new ProtocolError(`no list "${name}"`);
  return value;
}

export function readHello(body: Buffer): Hello {
  const members = membersOf(body);
  if (members['protocol'] !== PROTOCOL) throw new ProtocolError(`not ${PROTOCOL}`);
  return {
    protocol: PROTOCOL,
    version: count(members, 'version', 0xffff),
    migration_id: text(members, 'migration_id', 64),
    session: text(members, 'session', 64),
    stream: count(members, 'stream', 64),
  };
}

export function readWelcome(body: Buffer): Welcome {
  const members = membersOf(body);
  return { version: count(members, 'version', 0xffff), migration_id: text(members, 'migration_id', 64) };
}

export function readBegin(body: Buffer): Begin {
  const members = membersOf(body);
  const disks = list(members, 'disks').map((entry) => {
    if (typeof entry !== 'object' || entry === null) throw new ProtocolError('a disk that is no object');
    const disk = entry as Members;
    return { name: text(disk, 'name', 255), size_bytes: count(disk, 'size_bytes', Number.MAX_SAFE_INTEGER) };
  });
  return { round: count(members, 'round', 0xffff), disks, continues: members['continues'] === true };
}

export function readReady(body: Buffer): Ready {
  return { continued: membersOf(body)['continued'] === true };
}

export function readFinish(body: Buffer): Finish {
  const members = membersOf(body);
  const digests = list(members, 'digests').map((digest) => {
    if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) throw new ProtocolError('no digest');
    return digest;
  });
  return { digests, prove: members['prove'] === true };
}

export function readDone(body: Buffer): Done {
  const members = membersOf(body);
  const { prove_seconds } = members;
  if (typeof prove_seconds !== 'number' || !(prove_seconds >= 0))
    throw new ProtocolError('no "prove_seconds"');
  return { proved_bytes: count(members, 'proved_bytes', Number.MAX_SAFE_INTEGER), prove_seconds };
}

export function readFailed(body: Buffer): Failed {
  const members = membersOf(body);
  return {
    code: text(members, 'code', 64),
    disk: text(members, 'disk', 255),
    reason: text(members, 'reason'),
  };
}
