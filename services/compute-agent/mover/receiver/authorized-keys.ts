import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What one key may do, and nothing else. */
export interface AdmittedKey {
  /** OpenSSH's one-line form. */
  readonly public_key: string;
  readonly source_address: string;
  readonly expires_at: Date;
  /** Program and arguments; all plain words (checked). */
  readonly command: readonly string[];
}

/** Anything that sshd or a shell could read as more than a word is refused. */
const PLAIN_WORD = /^[A-Za-z0-9_.,:/@%+=-]+$/;
const PUBLIC_KEY = /^(ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) ([A-Za-z0-9+/]+={0,2})(?: .*)?$/;
const ADDRESS = /^[0-9A-Fa-f:.]+$/;

/**
 * One line of the authorized_keys file: this key runs this command, from this address, until this time.
 * `restrict` forbids forwarding, a terminal and everything that later versions of sshd may learn to allow.
 * @throws RangeError for values that do not look like what they should be
 */
export function authorizedKeyLine(key: AdmittedKey): string {
  const [, type, blob] = PUBLIC_KEY.exec(key.public_key.trim()) ?? [];
  if (type === undefined || blob === undefined) throw new RangeError('not a public key in OpenSSH form');
  if (!ADDRESS.test(key.source_address)) throw new RangeError(`"${key.source_address}" is no IP address`);
  for (const word of key.command) {
    if (!PLAIN_WORD.test(word)) throw new RangeError(`"${word}" cannot stand in a forced command`);
  }
  const options = [
    'restrict',
    // The shell is replaced, so that one process less waits.
    `command="exec ${key.command.join(' ')}"`,
    `from="${key.source_address}"`,
    `expiry-time="${expiryTime(key.expires_at)}"`,
  ];
  return `${options.join(',')} ${type} ${blob}`;
}

/** sshd's form, in UTC (OpenSSH 9.1 and newer read the Z). */
const expiryTime = (time: Date): string => `${time.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;

/**
 * The file that sshd reads. It is ours alone and always written as a whole; a change that comes while another
 * is being written waits and is written with all others that wait.
 */
export class AuthorizedKeysFile {
  readonly #path: string;
  readonly #lines: () => readonly string[];
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** @param lines the lines of the moment at which a write begins */
  constructor(path: string, lines: () => readonly string[]) {
    this.#path = path;
    this.#lines = lines;
  }

  /** Resolves when a write that began after this call has ended. */
  write(): Promise<void> {
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  async #afterRunning(): Promise<void> {
    await this.#running?.catch(() => undefined);
    // Even the first write waits a turn of the loop for company.
    await new Promise((resolve) => setImmediate(resolve));
    this.#next = null;
    this.#running = this.#replace();
    return this.#running;
  }

  async #replace(): Promise<void> {
    const lines = ['# Written by the Drover agent of this host. Changes are lost.', ...this.#lines(), ''];
    const fresh = `${this.#path}.${randomBytes(4).toString('hex')}`;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    try {
      await writeFile(fresh, lines.join('\n'), { mode: 0o600 });
      await chmod(fresh, 0o600);
      await rename(fresh, this.#path);
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }
}
