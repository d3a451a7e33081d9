import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { BenchAccess } from './mover-sshd.ts';

const execute = promisify(execFile);

/** Copies one file to one path, over an access to the bench's sshd. */
export type Peer = (access: BenchAccess, source: string, target: string) => Promise<void>;

export const peers: Readonly<Record<string, Peer>> = {
  scp: (access, source, target) =>
    quiet('scp', ['-q', ...access.scp_options, source, `${access.login}:${target}`]),
  'scp -C': (access, source, target) =>
    quiet('scp', ['-q', '-C', ...access.scp_options, source, `${access.login}:${target}`]),
  'rsync -S': (access, source, target) =>
    quiet('rsync', ['-S', '-e', access.remote_shell, source, `${access.login}:${target}`]),
  'rsync -S -z': (access, source, target) =>
    quiet('rsync', ['-S', '-z', '-e', access.remote_shell, source, `${access.login}:${target}`]),
  'ssh cat': sshCat,
};

async function sshCat(access: BenchAccess, source: string, target: string): Promise<void> {
  const file = openSync(source, 'r');
  try {
    const child = spawn('ssh', [...access.ssh_options, access.login, `cat > ${target}`], {
      stdio: [file, 'ignore', 'inherit'],
    });
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code !== 0) throw new Error(`ssh ended with ${String(code)}`);
  } finally {
    closeSync(file);
  }
}

async function quiet(command: string, arguments_: readonly string[]): Promise<void> {
  await execute(command, [...arguments_]);
}

/** Peers that a minimal system lacks are installed, as the cluster's scripts do with what they need. */
export async function installPeers(): Promise<void> {
  try {
    await execute('rsync', ['--version']);
    return;
  } catch {
    process.stdout.write('installing rsync\n');
  }
  if (process.getuid?.() !== 0)
    throw new Error('rsync is missing; once: sudo apt-get install --no-install-recommends rsync');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = [
    '-qq',
    '-y',
    '-o',
    'DPkg::Lock::Timeout=300',
    'install',
    '--no-install-recommends',
    'rsync',
  ];
  try {
    await execute('apt-get', install, { env });
  } catch {
    await execute('apt-get', ['-qq', 'update'], { env });
    await execute('apt-get', install, { env });
  }
}
