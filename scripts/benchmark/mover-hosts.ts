import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Transfer, TransferWatch } from '../../services/compute-agent/mover/mover.ts';
import { createReceiverAdmission } from '../../services/compute-agent/mover/receiver-admission.ts';
import { createSenderSupervisor } from '../../services/compute-agent/mover/sender-supervisor.ts';
import { makeTransferKey } from '../../services/compute-agent/transfer-keys.ts';
import { migrationId } from '../../shared/domain/ids.ts';
import type { CommandResults } from '../../shared/messaging/commands.ts';
import { startBenchSshd, type BenchSshd } from './mover-sshd.ts';

/** Two hosts as the mover sees them, a real sshd between them. */
export interface BenchHosts {
  readonly root: string;
  /** The source's folder of disks. */
  readonly source: string;
  readonly sshd: BenchSshd;
  readonly senders: ReturnType<typeof createSenderSupervisor>;
  readonly admission: ReturnType<typeof createReceiverAdmission>;
  close(): Promise<void>;
}

export async function startHosts(root: string): Promise<BenchHosts> {
  const source = join(root, 'source');
  mkdirSync(source);
  const sshd = await startBenchSshd(join(root, 'sshd'));
  const senders = createSenderSupervisor({ state_path: join(root, 's'), idle_workers: 1 });
  const admission = createReceiverAdmission({
    state_path: join(root, 't'),
    authorized_keys_path: sshd.admitted_keys_path,
    address: '127.0.0.1',
    port: sshd.port,
    user: sshd.user,
    host_key_paths: [sshd.host_key_path],
    idle_workers: 1,
  });
  const close = async (): Promise<void> => {
    await Promise.all([senders.close(), admission.close()]);
    await sshd.stop();
  };
  return { root, source, sshd, senders, admission, close };
}

export interface Admitted {
  readonly transfer: Transfer;
  /** The target's folder. */
  readonly folder: string;
  /** Reads the target's disks again and compares them. @throws Error when they differ */
  readonly verify: (sent: CommandResults['copy']) => Promise<void>;
  /** Takes key and folder away. */
  readonly withdraw: () => Promise<void>;
}

export const quietly: TransferWatch = {
  onProgress: () => undefined,
  signal: new AbortController().signal,
};

export interface AdmitOptions {
  /** Of a link to the target's sshd; nothing: directly. */
  readonly port?: number;
  readonly connections?: number;
  readonly connections_min?: number;
}

/** All that a host does before a copy of this disk. */
export async function admit(
  hosts: BenchHosts,
  name: string,
  { port, connections, connections_min }: AdmitOptions,
): Promise<Admitted> {
  const { admission, sshd } = hosts;
  const migration_id = migrationId(randomUUID());
  const key = await makeTransferKey('bench');
  const folder = join(hosts.root, 'target');
  mkdirSync(folder);
  const { size, blocks } = statSync(join(hosts.source, name));
  const sizes = { virtual_size_bytes: size, file_size_bytes: size, allocated_bytes: blocks * 512 };
  const disks = [{ name, format: 'raw' as const, backing: null, ...sizes }];
  const endpoint = await admission.admit({
    migration_id,
    folder,
    disks,
    public_key: key.public_key,
    source_address: '127.0.0.1',
    expires_in_seconds: 3600,
  });
  const transfer: Transfer = {
    migration_id,
    folder: hosts.source,
    disks,
    endpoint: { ...endpoint, port: port ?? sshd.port },
    private_key: key.private_key,
    local_address: '127.0.0.1',
    limit_bytes_per_second: 0,
    stall_timeout_seconds: 60,
    ...(connections === undefined ? {} : { connections }),
    ...(connections_min === undefined ? {} : { connections_min }),
  };
  const verify = async (sent: CommandResults['copy']): Promise<void> => {
    const { digests } = await admission.verify({ migration_id, folder, disks }, quietly);
    if (digests[0]?.digest !== sent.digests[0]?.digest) throw new Error(`${name} arrived damaged`);
  };
  const withdraw = async (): Promise<void> => {
    await admission.withdraw(migration_id);
    rmSync(folder, { recursive: true });
  };
  return { transfer, folder, verify, withdraw };
}

export interface CopyFigures {
  readonly copy_s: number;
  readonly verify_s: number;
  readonly wire_bytes: number;
  readonly cpu_s: number;
  readonly peak_rss_bytes: number;
}

/** One cold copy with all that belongs to it. */
export async function copyOnce(hosts: BenchHosts, name: string, options: AdmitOptions): Promise<CopyFigures> {
  forgetPeaks();
  const before_s = moverCpuSeconds(hosts);
  const started_at = performance.now();
  const admitted = await admit(hosts, name, options);
  const sent = await hosts.senders.send(admitted.transfer, quietly);
  const copied_at = performance.now();
  await admitted.verify(sent);
  const verified_at = performance.now();
  const cpu_s = moverCpuSeconds(hosts) - before_s;
  const peak_rss_bytes = Math.max(...workers().map(peakOf));
  await admitted.withdraw();
  return {
    copy_s: (copied_at - started_at) / 1000,
    verify_s: (verified_at - copied_at) / 1000,
    wire_bytes: sent.sent_bytes,
    cpu_s,
    peak_rss_bytes,
  };
}

const TICKS_PER_SECOND = 100;

/** From utime on: user, system, and those of children that have ended. */
function timesOf(pid: number | 'self'): readonly number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).map((ticks) => Number(ticks) / TICKS_PER_SECOND);
}

const endedChildrenSeconds = (pid: number | 'self'): number => {
  const [, , user = 0, system = 0] = timesOf(pid);
  return user + system;
};

/** Senders, receivers, and the target's sshd with its relays. */
function moverCpuSeconds({ sshd }: BenchHosts): number {
  const own = workers().map((pid) => {
    const [user = 0, system = 0] = timesOf(pid);
    return user + system;
  });
  return own.reduce((sum, seconds) => sum + seconds, 0) + endedChildrenSeconds(sshd.pid);
}

/** Programs that this process has started and that have ended, and what sshd ran for them. */
export const peerCpuSeconds = ({ sshd }: BenchHosts): number =>
  endedChildrenSeconds('self') + endedChildrenSeconds(sshd.pid);

/** The children of this process that are the mover's. */
function workers(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  return children
    .filter(Boolean)
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--drover-'));
}

const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

/** Peaks are counted from now on. */
function forgetPeaks(): void {
  for (const pid of workers()) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
