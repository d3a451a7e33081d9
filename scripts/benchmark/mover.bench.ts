import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { createReceiverAdmission } from '../../services/compute-agent/mover/receiver-admission.ts';
import { createSenderSupervisor } from '../../services/compute-agent/mover/sender-supervisor.ts';
import { makeTransferKey } from '../../services/compute-agent/transfer-keys.ts';
import { migrationId } from '../../shared/domain/ids.ts';
import { startBenchSshd, type BenchSshd } from './mover-sshd.ts';

const execute = promisify(execFile);
const MEBIBYTE = 1024 * 1024;

const help = `usage: scripts/bench mover [--dir DIR] [--rounds N] [--size MIB] [--only CASE,…] [--json FILE]

Copies disks over one private sshd on 127.0.0.1, alternating between Drover's mover and its peers:
scp, scp -C, rsync -S, rsync -S -z, ssh cat. All with the same cipher, each target file removed before.

  sparse          a raw ext4 image, 10 GiB virtual, with a tree of files in it
  qcow2           the same image as qcow2
  incompressible  --size MiB of random bytes (default 2048)
  text            --size MiB of text

Drover's times include its own verification: the target's file is read again from the disk.
`;

interface CaseFigures {
  readonly drover_s: number;
  readonly drover_verify_s: number;
  readonly peers_s: Record<string, number>;
  readonly ratios: Record<string, number>;
  readonly wire_bytes: number;
  readonly cpu_s: number;
  readonly peak_rss_bytes: number;
}

interface Bench {
  readonly root: string;
  readonly source: string;
  readonly sshd: BenchSshd;
  readonly senders: ReturnType<typeof createSenderSupervisor>;
  readonly admission: ReturnType<typeof createReceiverAdmission>;
}

export async function run(values: readonly string[]): Promise<void> {
  const { values: given } = parseArgs({
    args: [...values],
    options: {
      dir: { type: 'string' },
      rounds: { type: 'string', default: '2' },
      size: { type: 'string', default: '2048' },
      only: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (given.help) {
    process.stdout.write(help);
    return;
  }
  const root = mkdtempSync(join(given.dir ?? tmpdir(), 'drover-bench-mover-'));
  const bench = await start(root);
  // Gigabytes are not to be left behind by who loses patience.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void bench.sshd.stop().then(() => {
        rmSync(root, { recursive: true, force: true });
        process.exit(1);
      });
    });
  }
  try {
    const only = given.only?.split(',') ?? Object.keys(makers);
    const cases: Record<string, CaseFigures> = {};
    for (const [name, make] of Object.entries(makers)) {
      if (!only.includes(name)) continue;
      await make(join(bench.source, name), Number(given.size) * MEBIBYTE);
      cases[name] = await measureCase(bench, name, Number(given.rounds));
      print(name, cases[name]);
      rmSync(join(bench.source, name));
    }
    if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify({ cases }, null, 2)}\n`);
  } finally {
    await Promise.all([bench.senders.close(), bench.admission.close()]);
    await bench.sshd.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

async function start(root: string): Promise<Bench> {
  const source = join(root, 'source');
  mkdirSync(source);
  const sshd = await startBenchSshd(join(root, 'sshd'));
  return {
    root,
    source,
    sshd,
    senders: createSenderSupervisor({ state_path: join(root, 's'), idle_workers: 1 }),
    admission: createReceiverAdmission({
      state_path: join(root, 't'),
      authorized_keys_path: sshd.admitted_keys_path,
      address: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      host_key_paths: [sshd.host_key_path],
      idle_workers: 1,
    }),
  };
}

const makers: Readonly<Record<string, (path: string, size_bytes: number) => Promise<void>>> = {
  sparse: makeFileSystem,
  qcow2: async (path) => {
    const raw = `${path}.raw`;
    await makeFileSystem(raw);
    await execute('qemu-img', ['convert', '-q', '-f', 'raw', '-O', 'qcow2', raw, path]);
    rmSync(raw);
  },
  incompressible: (path, size_bytes) => fill(path, size_bytes, () => randomBytes(MEBIBYTE)),
  text: (path, size_bytes) => {
    const words = readFileSync(
      new URL('../../node_modules/typescript/package.json', import.meta.url),
      'utf8',
    ).split(/\W+/);
    const pick = (): string => words[Math.floor(Math.random() * words.length)] ?? '';
    return fill(path, size_bytes, () => {
      const line = Array.from({ length: 12 }, pick).join(' ');
      const page = Buffer.from(
        Array.from({ length: 60 }, () => `${pick()} ${line} ${Math.random()}\n`).join(''),
      );
      return Buffer.alloc(MEBIBYTE, page);
    });
  },
};

/** About half a GiB of files that every checkout has. */
async function makeFileSystem(path: string): Promise<void> {
  await execute('truncate', ['-s', '10G', path]);
  const tree = new URL('../../node_modules', import.meta.url).pathname;
  await execute('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=1', '-d', tree, path], {
    maxBuffer: 16 * MEBIBYTE,
  });
}

async function fill(path: string, size_bytes: number, next: () => Buffer): Promise<void> {
  const file = await open(path, 'w');
  for (let at = 0; at < size_bytes; at += MEBIBYTE) await file.write(next());
  await file.sync();
  await file.close();
}

async function measureCase(bench: Bench, name: string, rounds: number): Promise<CaseFigures> {
  const times: Record<string, number[]> = {};
  const note = (who: string, seconds: number): void => void (times[who] ??= []).push(seconds);
  let figures = { verify_s: 0, wire_bytes: 0, cpu_s: 0, peak_rss_bytes: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const drover = await copyWithDrover(bench, name);
    note('drover', drover.copy_s + drover.verify_s);
    figures = drover;
    for (const [peer, copy] of Object.entries(peers)) {
      const target = join(bench.root, 'peer-target');
      rmSync(target, { force: true });
      await dropFromCache(join(bench.source, name));
      const started_at = performance.now();
      await copy(bench, join(bench.source, name), target);
      note(peer, (performance.now() - started_at) / 1000);
      rmSync(target, { force: true });
    }
  }
  const best = (who: string): number => Math.min(...(times[who] ?? [Number.NaN]));
  const peers_s = Object.fromEntries(Object.keys(peers).map((peer) => [peer, best(peer)]));
  return {
    drover_s: best('drover'),
    drover_verify_s: figures.verify_s,
    peers_s,
    ratios: Object.fromEntries(
      Object.entries(peers_s).map(([peer, seconds]) => [peer, seconds / best('drover')]),
    ),
    wire_bytes: figures.wire_bytes,
    cpu_s: figures.cpu_s,
    peak_rss_bytes: figures.peak_rss_bytes,
  };
}

async function copyWithDrover(bench: Bench, name: string) {
  const path = join(bench.source, name);
  await dropFromCache(path);
  const id = migrationId(randomUUID());
  const key = await makeTransferKey('bench');
  const folder = join(bench.root, 'target');
  mkdirSync(folder);
  const { size, blocks } = statSync(path);
  const sizes = { virtual_size_bytes: size, file_size_bytes: size, allocated_bytes: blocks * 512 };
  const disks = [{ name, format: 'raw' as const, backing: null, ...sizes }];
  const watch = { onProgress: () => undefined, signal: new AbortController().signal };
  const before = workerFigures();
  const started_at = performance.now();
  const endpoint = await bench.admission.admit({
    migration_id: id,
    folder,
    disks,
    public_key: key.public_key,
    source_address: '127.0.0.1',
    expires_in_seconds: 3600,
  });
  const { digests, sent_bytes } = await bench.senders.send(
    {
      migration_id: id,
      folder: bench.source,
      disks,
      endpoint,
      private_key: key.private_key,
      local_address: '127.0.0.1',
      limit_bytes_per_second: 0,
      stall_timeout_seconds: 60,
    },
    watch,
  );
  const copied_at = performance.now();
  const { digests: [verified] } = await bench.admission.verify({ migration_id: id, folder, disks }, watch);
  const verified_at = performance.now();
  if (verified?.digest !== digests[0]?.digest) throw new Error(`${name} arrived damaged`);
  const after = workerFigures();
  await bench.admission.withdraw(id);
  rmSync(folder, { recursive: true });
  return {
    copy_s: (copied_at - started_at) / 1000,
    verify_s: (verified_at - copied_at) / 1000,
    wire_bytes: sent_bytes,
    cpu_s: after.cpu_s - before.cpu_s,
    peak_rss_bytes: after.peak_rss_bytes,
  };
}

/** Of the children of this process that are the mover's. */
function workerFigures(): { readonly cpu_s: number; readonly peak_rss_bytes: number } {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  let [cpu_s, peak_rss_bytes] = [0, 0];
  for (const pid of children) {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--drover-')) continue;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    cpu_s += (Number(fields[11]) + Number(fields[12])) / 100;
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    peak_rss_bytes = Math.max(peak_rss_bytes, Number(peak?.[1] ?? 0) * 1024);
  }
  return { cpu_s, peak_rss_bytes };
}

/** Where possible, both start with the source on the disk only. */
async function dropFromCache(path: string): Promise<void> {
  await execute('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']).catch(() => undefined);
}

type Peer = (bench: Bench, source: string, target: string) => Promise<void>;

const peers: Readonly<Record<string, Peer>> = {
  scp: ({ sshd }, source, target) =>
    quiet('scp', ['-q', ...sshd.scp_options, source, `${sshd.login}:${target}`]),
  'scp -C': ({ sshd }, source, target) =>
    quiet('scp', ['-q', '-C', ...sshd.scp_options, source, `${sshd.login}:${target}`]),
  'rsync -S': ({ sshd }, source, target) =>
    quiet('rsync', ['-S', '-e', sshd.remote_shell, source, `${sshd.login}:${target}`]),
  'rsync -S -z': ({ sshd }, source, target) =>
    quiet('rsync', ['-S', '-z', '-e', sshd.remote_shell, source, `${sshd.login}:${target}`]),
  'ssh cat': ({ sshd }, source, target) =>
    new Promise((resolve, reject) => {
      const child = spawn('ssh', [...sshd.ssh_options, sshd.login, `cat > ${target}`], {
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      createReadStream(source, { highWaterMark: MEBIBYTE }).pipe(child.stdin);
      child.once('error', reject);
      child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ssh ended with ${code}`))));
    }),
};

async function quiet(command: string, arguments_: readonly string[]): Promise<void> {
  await execute(command, [...arguments_]);
}

function print(name: string, figures: CaseFigures): void {
  const megabytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`;
  const lines = [
    `${name}: drover ${figures.drover_s.toFixed(2)} s (of it verify ${figures.drover_verify_s.toFixed(2)} s), ` +
      `${megabytes(figures.wire_bytes)} on the wire, ${figures.cpu_s.toFixed(1)} s of processor, ` +
      `peak ${megabytes(figures.peak_rss_bytes)}`,
    ...Object.entries(figures.peers_s).map(
      ([peer, seconds]) =>
        `  ${peer.padEnd(12)} ${seconds.toFixed(2)} s  = ${(figures.ratios[peer] ?? 0).toFixed(2)} of drover's time`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
