import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrationId, type MigrationId } from '../../../../shared/domain/ids.ts';
import type {
  CommandResults,
  DiskDescription,
  ReceiverEndpoint,
} from '../../../../shared/messaging/commands.ts';
import type { TransferProgress } from '../../../../shared/messaging/messages.ts';
import type {
  ReceiverAdmission,
  SenderSupervisor,
  Transfer,
  TransferWatch,
} from '../../../../services/compute-agent/mover/mover.ts';
import { createReceiverAdmission } from '../../../../services/compute-agent/mover/receiver-admission.ts';
import { createSenderSupervisor } from '../../../../services/compute-agent/mover/sender-supervisor.ts';
import { makeTransferKey } from '../../../../services/compute-agent/transfer-keys.ts';
import { startPrivateSshd, type PrivateSshd } from './private-sshd.ts';

export interface MoverOptions {
  readonly cpu_percent?: number;
}

/** Two hosts as the mover sees them: a source's supervisor, a target's admission, a real sshd between them. */
export interface Pair {
  readonly root: string;
  readonly sshd: PrivateSshd;
  /** Replaced by the tests that restart an agent. */
  senders: SenderSupervisor;
  admission: ReceiverAdmission;
  /** The source's folder of disks. */
  readonly source: string;
  newSenders(options?: MoverOptions): SenderSupervisor;
  newAdmission(options?: MoverOptions): ReceiverAdmission;
  close(): Promise<void>;
}

export async function startPair(): Promise<Pair> {
  const root = mkdtempSync(join(tmpdir(), 'drover-mover-'));
  const sshd = await startPrivateSshd(join(root, 'sshd'));
  const source = join(root, 'source');
  mkdirSync(source);
  const newSenders = (options: MoverOptions = {}): SenderSupervisor =>
    createSenderSupervisor({ state_path: join(root, 's'), ...options });
  const newAdmission = (options: MoverOptions = {}): ReceiverAdmission =>
    createReceiverAdmission({
      ...options,
      state_path: join(root, 't'),
      authorized_keys_path: sshd.authorized_keys_path,
      address: '127.0.0.1',
      port: sshd.port,
      user: process.env['USER'] ?? 'root',
      host_key_paths: [sshd.host_key_path],
    });
  const pair: Pair = {
    root,
    sshd,
    source,
    newSenders,
    newAdmission,
    senders: newSenders(),
    admission: newAdmission(),
    close: async () => {
      await Promise.all([pair.senders.close(), pair.admission.close()]);
      await sshd.stop();
      const left = await leftovers(root, sshd.pid);
      for (const { pid } of left) process.kill(pid, 'SIGKILL');
      rmSync(root, { recursive: true });
      if (left.length > 0) throw new Error(`left behind:\n${left.map(({ line }) => line).join('\n')}`);
    },
  };
  return pair;
}

/** Processes that bear this pair's folder in their command line, or listen for it, after a short grace. */
async function leftovers(root: string, sshd_pid: number): Promise<readonly ProcessLine[]> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const found = processes().filter(({ pid, line }) => line.includes(root) || pid === sshd_pid);
    if (found.length === 0 || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface ProcessLine {
  readonly pid: number;
  readonly line: string;
}

export function processes(): ProcessLine[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return line === '' ? [] : [{ pid: Number(name), line }];
      } catch {
        return [];
      }
    });
}

export function describeRaw(pair: Pair, name: string): DiskDescription {
  const { size, blocks } = statSync(join(pair.source, name));
  return {
    name,
    format: 'raw',
    virtual_size_bytes: size,
    file_size_bytes: size,
    allocated_bytes: blocks * 512,
    backing: null,
  };
}

export interface Admitted {
  readonly id: MigrationId;
  readonly folder: string;
  readonly disks: readonly DiskDescription[];
  readonly endpoint: ReceiverEndpoint;
  readonly private_key: string;
  readonly transfer: Transfer;
}

/** Admits a transfer of these disks; `change` makes its source lie or differ. */
export async function admit(
  pair: Pair,
  names: readonly string[],
  change: {
    readonly source_address?: string;
    readonly folder?: string;
    readonly reserved_bytes?: number;
    readonly transfer?: Partial<Transfer>;
  } = {},
): Promise<Admitted> {
  const id = migrationId(randomUUID());
  const key = await makeTransferKey('test');
  const folder = change.folder ?? join(pair.root, `target-${id}`);
  mkdirSync(folder, { recursive: true });
  const disks = names.map((name) => describeRaw(pair, name));
  const endpoint = await pair.admission.admit({
    migration_id: id,
    folder,
    disks,
    public_key: key.public_key,
    source_address: change.source_address ?? '127.0.0.1',
    expires_in_seconds: 600,
    ...(change.reserved_bytes === undefined ? {} : { reserved_bytes: change.reserved_bytes }),
  });
  const transfer: Transfer = {
    migration_id: id,
    folder: pair.source,
    disks,
    endpoint,
    private_key: key.private_key,
    local_address: '127.0.0.1',
    limit_bytes_per_second: 0,
    stall_timeout_seconds: 20,
    ...change.transfer,
  };
  return { id, folder, disks, endpoint, private_key: key.private_key, transfer };
}

/** A watch that keeps all progress and can be waited on. */
export function watching(): TransferWatch & {
  readonly seen: TransferProgress[];
  readonly controller: AbortController;
  until(condition: (progress: TransferProgress) => boolean, name: string): Promise<TransferProgress>;
} {
  const controller = new AbortController();
  const seen: TransferProgress[] = [];
  const waiting: ((progress: TransferProgress) => void)[] = [];
  return {
    seen,
    controller,
    signal: controller.signal,
    onProgress: (progress) => {
      seen.push(progress);
      for (const look of waiting) look(progress);
    },
    until: (condition, name) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no progress came with: ${name}`)), 20_000);
        waiting.push((progress) => {
          if (!condition(progress)) return;
          clearTimeout(timer);
          resolve(progress);
        });
      }),
  };
}

export function sameContent(pair: Pair, folder: string, name: string): boolean {
  try {
    execFileSync('cmp', ['--silent', join(pair.source, name), join(folder, name)]);
    return true;
  } catch {
    return false;
  }
}

/** What the target finds when it reads the disks again. */
export function verified(pair: Pair, admitted: Admitted): Promise<CommandResults['verify']> {
  const { id, folder, disks } = admitted;
  return pair.admission.verify({ migration_id: id, folder, disks }, watching());
}
