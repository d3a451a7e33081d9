import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { Client, type ClientChannel, type ServerHostKeyAlgorithm } from 'ssh2';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { ReceiverEndpoint } from '../../../../shared/messaging/commands.ts';
import { FrameConnection } from '../frame-connection.ts';
import { addressOf } from './address-of.ts';
import { PacketRing } from './packet-ring.ts';
import { ReceiverLink } from './receiver-link.ts';

export interface SshLinkOptions {
  readonly endpoint: ReceiverEndpoint;
  readonly private_key: string;
  readonly local_address: string;
}

const CONNECT_SECONDS = 20;
const KEEPALIVE_SECONDS = 5;
const KEEPALIVES_UNANSWERED_MAX = 3;
/** Never executed: the target runs the forced command of the key. */
const ASKED_COMMAND = 'drover-receive';

const ALGORITHMS_OF_KEY: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/**
 * Logs in to the target's sshd, which must show one of the pinned host keys, and opens the one channel that the
 * key allows.
 * @throws DroverError mover_host_key_mismatch, mover_connection_lost; `retriable` says whether trying again may help
 */
export function openSshLink(options: SshLinkOptions): Promise<ReceiverLink> {
  const { endpoint } = options;
  const client = new Client();
  const { address, port } = endpoint;
  // ssh2's own socket would wait for company for each small packet: 40 ms here and there in every login.
  const socket = connect({ host: address, port, localAddress: options.local_address, noDelay: true });
  let fatal: DroverError | null = null;
  let transport_error: Error | null = null;
  const lost = (reason: string, cause?: unknown): LinkFailure =>
    new LinkFailure(
      new DroverError('mover_connection_lost', { ...addressOf(endpoint), reason }, { cause }),
      cause instanceof Error && 'level' in cause && cause.level === 'client-authentication',
    );
  return new Promise((resolve, reject) => {
    client.on('error', (error) => {
      transport_error = error;
      const refused = 'level' in error && error.level === 'client-authentication';
      const reason = refused
        ? "the target's sshd does not take this migration's key from here"
        : error.message;
      reject(fatal === null ? lost(reason, error) : new LinkFailure(fatal, true));
      client.destroy();
    });
    client.once('close', () => reject(lost('the connection was closed')));
    client.once('ready', () => {
      client.exec(ASKED_COMMAND, { allowHalfOpen: true }, (error, channel) => {
        if (error !== undefined) {
          reject(lost(error.message, error));
          client.destroy();
          return;
        }
        const explain = explanation(channel, () => transport_error);
        const ring = new PacketRing(client, socket);
        const packets = {
          cork: () => {
            ring.attach();
            socket.cork();
          },
          uncork: () => socket.uncork(),
        };
        resolve(
          new ReceiverLink(new FrameConnection(channel, packets), {
            destroy: () => client.destroy(),
            explain,
          }),
        );
      });
    });
    client.connect({
      sock: socket,
      username: endpoint.user,
      privateKey: options.private_key,
      readyTimeout: CONNECT_SECONDS * 1000,
      keepaliveInterval: KEEPALIVE_SECONDS * 1000,
      keepaliveCountMax: KEEPALIVES_UNANSWERED_MAX,
      agentForward: false,
      authHandler: ['publickey'],
      algorithms: {
        // sshd leaves P-256 to OpenSSL and does Curve25519 with plain C: a fifth of a login's processor time.
        kex: ['ecdh-sha2-nistp256', 'curve25519-sha256', 'curve25519-sha256@libssh.org'],
        cipher: [
          'aes128-gcm@openssh.com',
          'aes256-gcm@openssh.com',
          'chacha20-poly1305@openssh.com',
          'aes128-ctr',
        ],
        serverHostKey: hostKeyAlgorithms(endpoint.host_keys),
        compress: ['none'],
      },
      hostVerifier: (key: Buffer) => {
        fatal = mismatch(endpoint, key);
        return fatal === null;
      },
    });
  });
}

/** Opening a link failed; `final` when trying again cannot help. */
export class LinkFailure extends Error {
  override readonly name = 'LinkFailure';
  readonly error: DroverError;
  readonly final: boolean;

  constructor(error: DroverError, final: boolean) {
    super(error.message, { cause: error });
    this.error = error;
    this.final = final;
  }
}

/** Pinned kinds first; the others too, so that a wrong key is seen and named instead of "no common algorithm". */
function hostKeyAlgorithms(host_keys: readonly string[]): ServerHostKeyAlgorithm[] {
  const pinned = host_keys.flatMap((key) => ALGORITHMS_OF_KEY[key.split(' ')[0] ?? ''] ?? []);
  return [...new Set([...pinned, ...Object.values(ALGORITHMS_OF_KEY).flat()])];
}

/** @returns null when the offered key is one of the pinned */
function mismatch(endpoint: ReceiverEndpoint, offered: Buffer): DroverError | null {
  const pinned = endpoint.host_keys.map((line) => Buffer.from(line.split(' ')[1] ?? '', 'base64'));
  if (pinned.some((key) => key.length > 0 && key.equals(offered))) return null;
  return new DroverError('mover_host_key_mismatch', {
    ...addressOf(endpoint),
    expected: pinned.map(describeKey).join(' or ') || 'no key',
    offered: describeKey(offered),
  });
}

/** As `ssh-keygen -l` prints it: `ssh-ed25519 SHA256:…`. */
function describeKey(blob: Buffer): string {
  const type =
    blob.length > 4 ? blob.subarray(4, 4 + Math.min(blob.readUInt32BE(0), 64)).toString('latin1') : '?';
  return `${type} SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

const STDERR_CHARACTERS_MAX = 500;

/** What the relay said before it ended, for the reason of a broken link. */
function explanation(channel: ClientChannel, transportError: () => Error | null): () => Error | null {
  let said = '';
  channel.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString('utf8')).slice(0, STDERR_CHARACTERS_MAX);
  });
  channel.stderr.on('error', () => undefined);
  return () => {
    const error = transportError();
    if (error !== null) return error;
    return said === '' ? null : new Error(`the receiver ended: ${said.trim()}`);
  };
}
