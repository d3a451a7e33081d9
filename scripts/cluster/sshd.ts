import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environmentFor, spawnDetached, waitFor, type ProcessRecord } from './processes.ts';
import type { HostState } from './state.ts';

const run = promisify(execFile);

export interface SshdOptions {
  readonly cluster_id: string;
  readonly host: HostState;
  /** The host's folder: `sshd/` with the host key and the configuration is made below it. */
  readonly folder: string;
  readonly authorized_keys_file: string;
  readonly log_file: string;
  readonly on_spawn?: (record: ProcessRecord) => void;
}

export const sshdFolder = (host_folder: string): string => join(host_folder, 'sshd');
export const hostKeyFile = (host_folder: string): string =>
  join(sshdFolder(host_folder), 'ssh_host_ed25519_key');

/** Makes the host's own key once; the host keeps it for its life, as a real one does. */
export async function ensureHostKey(host_folder: string, host_name: string): Promise<void> {
  const file = hostKeyFile(host_folder);
  if (existsSync(file)) return;
  mkdirSync(sshdFolder(host_folder), { recursive: true, mode: 0o700 });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', host_name, '-f', file]);
}

/** Starts the host's sshd on its own address. @returns when it greets. */
export async function startSshd(options: SshdOptions): Promise<ProcessRecord> {
  const { host, folder, log_file } = options;
  await ensureHostKey(folder, host.name);
  // sshd insists on this folder, which Debian makes only when its service starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const configuration = join(sshdFolder(folder), 'sshd_config');
  writeFileSync(configuration, sshdConfiguration(options), { mode: 0o600 });
  const record = await spawnDetached({
    // A newer sshd starts itself again for each connection and wants to know where it lies; with -r one of before
    // 9.8 forks only, which saves a third of a login's processor time.
    command: '/usr/sbin/sshd',
    arguments: ['-D', '-r', '-e', '-f', configuration],
    environment: environmentFor(options.cluster_id),
    folder,
    log_file,
    ...(options.on_spawn === undefined ? {} : { on_spawn: options.on_spawn }),
  });
  await waitFor(
    {
      name: `sshd of ${host.name} on ${host.address}:${host.ssh_port}`,
      timeout_seconds: 15,
      log_file,
      process: record,
    },
    () => greets(host.address, host.ssh_port),
  );
  return record;
}

function greets(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    socket.setTimeout(2000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.toString('latin1').startsWith('SSH-2.0-'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

function sshdConfiguration(options: SshdOptions): string {
  const { host, authorized_keys_file, folder, cluster_id } = options;
  return [
    `ListenAddress ${host.address}:${host.ssh_port}`,
    `HostKey ${hostKeyFile(folder)}`,
    `AuthorizedKeysFile ${authorized_keys_file}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PubkeyAuthentication yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin forced-commands-only',
    'AllowTcpForwarding no',
    'AllowAgentForwarding no',
    'X11Forwarding no',
    'PermitTunnel no',
    'PermitTTY no',
    'PrintMotd no',
    'MaxStartups 200:30:400',
    'UseDNS no',
    'LogLevel INFO',
    // So that `down` knows a receiver, which sshd starts with an empty environment, as one of this cluster.
    // SHLVL: bash reads ~/.bashrc even for a forced command, unless it thinks that it runs inside another shell.
    `SetEnv DROVER_CLUSTER=${cluster_id} SHLVL=1`,
    '',
  ].join('\n');
}
