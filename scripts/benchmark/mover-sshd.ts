import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { renderSshdConfig } from '../../services/compute-agent/mover/sshd-config.ts';
import { freePorts } from '../cluster/ports.ts';
import { waitFor } from '../cluster/processes.ts';

const execute = promisify(execFile);
const CIPHER = 'aes128-gcm@openssh.com';

/** How a peer gets to the sshd: directly, or over a link. */
export interface BenchAccess {
  readonly port: number;
  readonly login: string;
  readonly ssh_options: readonly string[];
  readonly scp_options: readonly string[];
  /** For rsync's `-e`. */
  readonly remote_shell: string;
}

/** One sshd that serves Drover's mover and, with an ordinary key, its peers. */
export interface BenchSshd extends BenchAccess {
  readonly pid: number;
  readonly user: string;
  readonly host_key_path: string;
  readonly admitted_keys_path: string;
  over(port: number): BenchAccess;
  stop(): Promise<void>;
}

export async function startBenchSshd(folder: string): Promise<BenchSshd> {
  mkdirSync(folder, { mode: 0o700 });
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const at = (name: string): string => join(folder, name);
  for (const name of ['host_key', 'peer_key']) {
    await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  }
  copyFileSync(at('peer_key.pub'), at('peer_keys'));
  const [port = 0] = await freePorts(1);
  const configuration = renderSshdConfig({
    address: '127.0.0.1',
    port,
    host_key_path: at('host_key'),
    authorized_keys_path: `${at('admitted_keys')} ${at('peer_keys')}`,
  })
    .replace('forced-commands-only', 'prohibit-password')
    .replace('Compression no', 'Compression yes\nSubsystem sftp internal-sftp');
  writeFileSync(at('sshd_config'), configuration);
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], { stdio: 'ignore' });
  const common = [
    '-i',
    at('peer_key'),
    '-c',
    CIPHER,
    '-o',
    'BatchMode=yes',
    '-o',
    'StrictHostKeyChecking=no',
  ];
  const ssh_options = [...common, '-o', `UserKnownHostsFile=${at('known_hosts')}`, '-o', 'LogLevel=ERROR'];
  const user = userInfo().username;
  const over = (used_port: number): BenchAccess => ({
    port: used_port,
    login: `${user}@127.0.0.1`,
    ssh_options: [...ssh_options, '-p', String(used_port)],
    scp_options: [...ssh_options, '-P', String(used_port)],
    remote_shell: ['ssh', ...ssh_options, '-p', String(used_port)].join(' '),
  });
  const sshd: BenchSshd = {
    ...over(port),
    pid: child.pid ?? -1,
    user,
    host_key_path: at('host_key.pub'),
    admitted_keys_path: at('admitted_keys'),
    over,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.kill()) await ended;
    },
  };
  await answers(sshd);
  return sshd;
}

async function answers(sshd: BenchSshd): Promise<void> {
  await waitFor({ name: `sshd to answer on port ${sshd.port}`, timeout_seconds: 10 }, async () => {
    await execute('ssh', ['-n', ...sshd.ssh_options, sshd.login, 'true']);
    return true;
  });
}
