import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  makeCold,
  makeFileSystem,
  makeHuge,
  makeIncompressible,
  makeQcow2,
  makeText,
} from './mover-disks.ts';
import { copyOnce, peerCpuSeconds, startHosts, type BenchHosts } from './mover-hosts.ts';
import { startLink } from './mover-link.ts';
import { installPeers, peers } from './mover-peers.ts';
import { copyResumed, copyWarm, GUEST_BYTES_PER_SECOND } from './mover-rounds.ts';

const MEBIBYTE = 1024 * 1024;
const TEBIBYTE = MEBIBYTE * MEBIBYTE;
const LINK_BYTES_PER_SECOND = 100 * MEBIBYTE;
const WAY_MILLISECONDS = 40;

const help = `usage: scripts/bench mover [--quick] [--dir DIR] [--rounds N] [--size MIB] [--only CASE,…]
         [--peers PEER,…] [--json FILE]

Copies disks over one private sshd on 127.0.0.1, alternating between Drover's mover and its peers:
scp, scp -C, rsync -S, rsync -S -z, ssh cat. All with the same cipher; the source is dropped from the page
cache and everything written before is on the disk before each; the best of the rounds counts.

  sparse          a raw ext4 image, 10 GiB virtual, with a tree of files in it
  qcow2           the same image as qcow2
  incompressible  --size MiB of random bytes (default 2048)
  text            --size MiB of text
  text-100MiBps   the same over a link that carries 100 MiB/s, for all
  resume          the sender is killed in the middle and started again: what was sent twice
  warm            a guest writes 5 MiB/s: how long it is off, against a cold copy of the same disk
  huge            1 TiB, nearly all holes: Drover alone, for its memory
  connections     one connection, four, and as many of four as the copy finds to be faster, over a way of
                  ${WAY_MILLISECONDS} ms: Drover alone

Drover's times are from the admission of the key until the target's file was read again from its disk and compared,
everything durable. Peers do neither. The time without that verification is printed beside it.
--quick: one round, 256 MiB.
`;

interface CaseFigures {
  readonly drover_s: number;
  readonly peers_s: Record<string, number>;
  readonly ratios: Record<string, number>;
  readonly wire_bytes: number;
  readonly cpu_s: number;
  readonly peak_rss_bytes: number;
}

interface Results {
  cases: Record<string, CaseFigures>;
  warm?: { readonly downtime_s: number; readonly cold_downtime_s: number };
  resume?: { readonly resent_bytes: number; readonly total_bytes: number };
}

interface Plan {
  readonly hosts: BenchHosts;
  readonly rounds: number;
  readonly size_bytes: number;
  readonly results: Results;
  readonly peer_names: readonly string[];
}

type Make = (path: string, size_bytes: number) => Promise<void>;
type Measure = (plan: Plan, name: string) => Promise<void>;

const measurements: Readonly<Record<string, { readonly make: Make; readonly measure: Measure }>> = {
  sparse: { make: makeFileSystem, measure: against },
  qcow2: { make: makeQcow2, measure: against },
  incompressible: { make: makeIncompressible, measure: against },
  text: { make: makeText, measure: against },
  'text-100MiBps': { make: makeText, measure: againstOverLink },
  resume: { make: makeIncompressible, measure: measureResume },
  warm: { make: makeIncompressible, measure: measureWarm },
  huge: { make: (path) => makeHuge(path, TEBIBYTE), measure: measureHuge },
  connections: { make: makeIncompressible, measure: measureConnections },
};

export async function run(values: readonly string[]): Promise<void> {
  const { values: given } = parseArgs({
    args: [...values],
    options: {
      quick: { type: 'boolean', default: false },
      dir: { type: 'string' },
      rounds: { type: 'string' },
      size: { type: 'string' },
      only: { type: 'string' },
      peers: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (given.help) {
    process.stdout.write(help);
    return;
  }
  const only = given.only?.split(',') ?? Object.keys(measurements);
  const unknown = only.filter((name) => measurements[name] === undefined);
  if (unknown.length > 0) throw new Error(`no case is called ${unknown.join(', ')}\n${help}`);
  await installPeers();
  const root = mkdtempSync(join(given.dir ?? tmpdir(), 'drover-bench-mover-'));
  const hosts = await startHosts(root);
  // Gigabytes are not to be left behind by who loses patience.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void hosts.close().finally(() => {
        rmSync(root, { recursive: true, force: true });
        process.exit(1);
      });
    });
  }
  const plan: Plan = {
    hosts,
    rounds: Number(given.rounds ?? (given.quick ? 1 : 2)),
    size_bytes: Number(given.size ?? (given.quick ? 256 : 2048)) * MEBIBYTE,
    results: { cases: {} },
    peer_names: given.peers?.split(',') ?? Object.keys(peers),
  };
  try {
    for (const [name, { make, measure }] of Object.entries(measurements)) {
      if (!only.includes(name)) continue;
      const path = join(hosts.source, name);
      await make(path, plan.size_bytes);
      await measure(plan, name);
      rmSync(path);
      if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(plan.results, null, 2)}\n`);
    }
    print(`load of the machine at the end: ${loadavg()[0]?.toFixed(1)}`);
  } finally {
    await hosts.close();
    rmSync(root, { recursive: true, force: true });
  }
}

async function against(plan: Plan, name: string, port = plan.hosts.sshd.port): Promise<void> {
  const { hosts, rounds, results, peer_names } = plan;
  const source = join(hosts.source, name);
  const access = hosts.sshd.over(port);
  const copies: Awaited<ReturnType<typeof copyOnce>>[] = [];
  const best: Record<string, { readonly s: number; readonly cpu_s: number }> = {};
  for (let round = 0; round < rounds; round += 1) {
    await makeCold(source);
    copies.push(await copyOnce(hosts, name, { port }));
    for (const [peer, copy] of Object.entries(peers)) {
      if (!peer_names.includes(peer)) continue;
      const target = join(hosts.root, 'peer-target');
      await makeCold(source);
      const cpu_before_s = peerCpuSeconds(hosts);
      const started_at = performance.now();
      await copy(access, source, target);
      const s = (performance.now() - started_at) / 1000;
      const cpu_s = peerCpuSeconds(hosts) - cpu_before_s;
      rmSync(target, { force: true });
      if (s < (best[peer]?.s ?? Infinity)) best[peer] = { s, cpu_s };
    }
  }
  const total = (copy: { readonly copy_s: number; readonly verify_s: number }): number =>
    copy.copy_s + copy.verify_s;
  const [drover] = copies.sort((a, b) => total(a) - total(b));
  if (drover === undefined) return;
  const drover_s = total(drover);
  const peers_s = Object.fromEntries(Object.entries(best).map(([peer, { s }]) => [peer, s]));
  const ratios = Object.fromEntries(Object.entries(peers_s).map(([peer, s]) => [peer, s / drover_s]));
  const { wire_bytes, cpu_s, peak_rss_bytes } = drover;
  results.cases[name] = { drover_s, peers_s, ratios, wire_bytes, cpu_s, peak_rss_bytes };
  print(
    `${name}: drover ${drover_s.toFixed(2)} s (copy ${drover.copy_s.toFixed(2)} s, verification ` +
      `${drover.verify_s.toFixed(2)} s), ${mebibytes(wire_bytes)} on the wire, ${cpu_s.toFixed(1)} s of processor, ` +
      `peak ${mebibytes(peak_rss_bytes)}, load ${loadavg()[0]?.toFixed(1)}`,
  );
  for (const [peer, { s, cpu_s: peer_cpu_s }] of Object.entries(best)) {
    print(
      `  ${peer.padEnd(12)} ${s.toFixed(2).padStart(7)} s, ${peer_cpu_s.toFixed(1).padStart(5)} s of processor: ` +
        `${(s / drover_s).toFixed(2)} of drover's time, ${(s / drover.copy_s).toFixed(2)} without verification`,
    );
  }
}

async function againstOverLink(plan: Plan, name: string): Promise<void> {
  const link = await startLink(plan.hosts.sshd.port, { bytes_per_second: LINK_BYTES_PER_SECOND });
  try {
    await against(plan, name, link.port);
  } finally {
    await link.close();
  }
}

async function measureResume({ hosts, results }: Plan, name: string): Promise<void> {
  const { resent_bytes, total_bytes } = await copyResumed(hosts, name);
  results.resume = { resent_bytes, total_bytes };
  const part = ((100 * resent_bytes) / total_bytes).toFixed(2);
  print(`resume: ${mebibytes(resent_bytes)} of ${mebibytes(total_bytes)} were sent twice (${part} %)`);
}

async function measureWarm({ hosts, results }: Plan, name: string): Promise<void> {
  await makeCold(join(hosts.source, name));
  const cold = await copyOnce(hosts, name, {});
  await makeCold(join(hosts.source, name));
  const { downtime_s, rounds } = await copyWarm(hosts, name, GUEST_BYTES_PER_SECOND);
  const cold_downtime_s = cold.copy_s + cold.verify_s;
  results.warm = { downtime_s, cold_downtime_s };
  print(
    `warm: the guest is off for ${downtime_s.toFixed(2)} s after ${rounds.length} rounds, cold for ` +
      `${cold_downtime_s.toFixed(2)} s (${((100 * downtime_s) / cold_downtime_s).toFixed(1)} %)`,
  );
}

async function measureHuge({ hosts }: Plan, name: string): Promise<void> {
  const { copy_s, verify_s, peak_rss_bytes } = await copyOnce(hosts, name, {});
  print(
    `huge: 1 TiB with 64 MiB of data in ${copy_s.toFixed(2)} s, verification ${verify_s.toFixed(2)} s, ` +
      `peak ${mebibytes(peak_rss_bytes)}`,
  );
}

async function measureConnections({ hosts }: Plan, name: string): Promise<void> {
  const link = await startLink(hosts.sshd.port, { delay_milliseconds: WAY_MILLISECONDS });
  try {
    for (const [connections, connections_min] of [
      [1, 1],
      [4, 4],
      [4, 1],
    ] as const) {
      await makeCold(join(hosts.source, name));
      const before = link.made();
      const { copy_s, cpu_s } = await copyOnce(hosts, name, {
        port: link.port,
        connections,
        connections_min,
      });
      print(
        `connections: ${connections_min} to ${connections} over a way of ${WAY_MILLISECONDS} ms: ` +
          `${copy_s.toFixed(2)} s, ${cpu_s.toFixed(2)} s of processors, ${link.made() - before} were made`,
      );
    }
  } finally {
    await link.close();
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
