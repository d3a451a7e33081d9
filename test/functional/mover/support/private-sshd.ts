import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../../../scripts/cluster/ports.ts';
import { renderSshdConfig } from '../../../../services/compute-agent/mover/sshd-config.ts';

const run = promisify(execFile);

export interface PrivateSshd {
  readonly port: number;
  readonly pid: number;
  readonly host_key_path: string;
  readonly authorized_keys_path: string;
  stop(): Promise<void>;
}

export async function makeKey(path: string): Promise<void> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path]);
}

/** A real sshd of this test alone, on 127.0.0.1. */
export async function startPrivateSshd(folder: string): Promise<PrivateSshd> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const key = join(folder, 'host_key');
  const authorized_keys_path = join(folder, 'authorized_keys');
  const [port = 0] = await freePorts(1);
  await makeKey(key);
  const configuration = join(folder, 'sshd_config');
  writeFileSync(
    configuration,
    renderSshdConfig({ address: '127.0.0.1', port, host_key_path: key, authorized_keys_path }),
  );
  const child = spawn('/usr/sbin/sshd', ['-D', '-r', '-e', '-f', configuration], { stdio: 'ignore' });
  await greeting(port, child);
  return {
    port,
    pid: child.pid ?? -1,
    host_key_path: `${key}.pub`,
    authorized_keys_path,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function greeting(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`sshd ended with ${child.exitCode}`);
    if (await greets(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no sshd on port ${port} after 10 s`);
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
