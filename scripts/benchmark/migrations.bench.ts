import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { administratorOf } from '../cluster/access-files.ts';
import { logIn, type Session } from '../cluster/api-session.ts';
import { startCluster } from '../cluster/start-cluster.ts';
import { loadProcesses, loadState } from '../cluster/state.ts';
import { stopCluster } from '../cluster/stop-cluster.ts';
import { defaultWorld, sampleImage, type World } from '../cluster/world.ts';
import { Herd } from './herd.ts';
import { cpuBetween, cpuByRole, memoryByRole, type CpuByRole } from './process-figures.ts';
import { measureRate, type RequestRate } from './request-rate.ts';
import { spreadOf, type Spread } from './spread.ts';

const help = `usage: scripts/bench migrations [--dir DIR] [--keep] [--hosts N] [--servers N] [--only PART,…] [--json FILE]

Starts a private cluster (or takes the one in DIR) and measures it, everything on this one machine:

  memory   resident memory of each kind of process, before any work
  single   one migration after the other of a server with a 1 MiB disk, from POST to VERIFY_RESIZE
  10, 50   so many migrations at once, from the first POST to the last VERIFY_RESIZE
  list     GET /servers/detail over all servers, by 1 and by 8 connections

Times of a busy machine say little: processor time per migration, by kind of process, is measured beside them.
`;

const IMAGE = 'bench-1-mib';
const FLAVOR = 'bench.tiny';
const SINGLE_MIGRATIONS = 20;
const WARM_MIGRATIONS = 3;
const ROUNDS = 3;
/** Until start-up work and the garbage of it are over. */
const IDLE_SECONDS = 5;
const LIST_SECONDS = 4;

interface SingleFigures {
  readonly milliseconds: Spread;
  readonly step_medians_ms: Readonly<Record<string, number>>;
  readonly cpu_ms_per_migration: CpuByRole;
}

interface BatchFigures {
  readonly at_once: number;
  /** One per round; the first one meets colder processes than the others. */
  readonly per_second: readonly number[];
  readonly milliseconds: Spread;
  readonly step_medians_ms: Readonly<Record<string, number>>;
  readonly cpu_ms_per_migration: CpuByRole;
}

/** Many servers fit, and a disk is one extent of data. */
function benchWorld(hosts: number): World {
  const world = defaultWorld(hosts);
  return {
    ...world,
    flavors: [
      {
        id: FLAVOR,
        name: FLAVOR,
        vcpus: 1,
        memory_mb: 64,
        root_gb: 0,
        ephemeral_gb: 0,
        swap_mb: 0,
        is_public: true,
        extra_specs: {},
      },
    ],
    images: [sampleImage(IMAGE, 'raw', { data_mib: 1, virtual_mib: 1 })],
    hosts: world.hosts.map((host) => ({ ...host, vcpus: 128 })),
    // Flat disks: with an overlay the image would stay where it is and nothing would travel.
    settings: { use_cow_images: false },
    quota: { instances: -1, cores: -1, ram: -1 },
  };
}

class Bench {
  readonly #folder: string;
  readonly #herd: Herd;
  readonly #session: Session;

  constructor(folder: string, session: Session, herd: Herd) {
    this.#folder = folder;
    this.#session = session;
    this.#herd = herd;
  }

  #measured<Figures>(measure: (cluster_id: string, recorded: ReturnType<typeof this.recorded>) => Figures) {
    return measure(loadState(this.#folder)?.cluster_id ?? '', this.recorded());
  }

  recorded() {
    return Object.values(loadProcesses(this.#folder));
  }

  memory() {
    return this.#measured(memoryByRole);
  }

  async single(): Promise<SingleFigures> {
    await this.#herd.grow(1);
    const [server = ''] = this.#herd.server_ids;
    const times: number[] = [];
    let began = new Date();
    let cpu: CpuByRole = {};
    const sums: CpuByRole[] = [];
    for (let number = -WARM_MIGRATIONS; number < SINGLE_MIGRATIONS; number += 1) {
      if (number === 0) began = await this.#herd.now();
      cpu = this.#measured(cpuByRole);
      const [move] = await this.#herd.migrate([server]);
      if (number >= 0 && move !== undefined) {
        times.push(move.arrived_at - move.asked_at);
        sums.push(cpuBetween(cpu, this.#measured(cpuByRole), 1));
      }
      await this.#herd.confirm([server]);
    }
    return {
      milliseconds: spreadOf(times),
      step_medians_ms: await this.#herd.stepMedians(began),
      cpu_ms_per_migration: meanOf(sums),
    };
  }

  async batch(at_once: number): Promise<BatchFigures> {
    await this.#herd.grow(at_once);
    const servers = this.#herd.server_ids.slice(0, at_once);
    const per_second: number[] = [];
    const times: number[] = [];
    const sums: CpuByRole[] = [];
    const began = await this.#herd.now();
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = this.#measured(cpuByRole);
      const moves = await this.#herd.migrate(servers);
      sums.push(cpuBetween(before, this.#measured(cpuByRole), at_once));
      const start = Math.min(...moves.map(({ asked_at }) => asked_at));
      const end = Math.max(...moves.map(({ arrived_at }) => arrived_at));
      per_second.push(Math.round((at_once / ((end - start) / 1000)) * 10) / 10);
      times.push(...moves.map(({ asked_at, arrived_at }) => arrived_at - asked_at));
      await this.#herd.confirm(servers);
    }
    return {
      at_once,
      per_second,
      milliseconds: spreadOf(times),
      step_medians_ms: await this.#herd.stepMedians(began),
      cpu_ms_per_migration: meanOf(sums),
    };
  }

  async list(servers: number): Promise<RequestRate[]> {
    await this.#herd.grow(servers);
    const url = `${this.#session.api_url}/compute/v2.1/servers/detail`;
    const headers = { 'X-Auth-Token': this.#session.token };
    const rates: RequestRate[] = [];
    for (const connections of [1, 8])
      rates.push(await measureRate({ url, headers, connections, seconds: LIST_SECONDS }));
    return rates;
  }
}

function meanOf(all: readonly CpuByRole[]): CpuByRole {
  const roles = [...new Set(all.flatMap((one) => Object.keys(one) as Array<keyof CpuByRole>))];
  return Object.fromEntries(
    roles.map((role) => [role, Math.round(all.reduce((sum, one) => sum + (one[role] ?? 0), 0) / all.length)]),
  );
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const pairs = (record: Readonly<Record<string, number>>) =>
  Object.entries(record)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ');

function printCpu(cpu: CpuByRole): void {
  const sum = Object.values(cpu).reduce((total, value) => total + value, 0);
  print(`   processor, ms each   ${sum} = ${pairs(cpu)}`);
}

/** The measurement behind `scripts/bench migrations`. */
export async function run(values: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...values],
    options: {
      dir: { type: 'string', default: '.run/bench' },
      keep: { type: 'boolean', default: false },
      hosts: { type: 'string', default: '3' },
      servers: { type: 'string', default: '100' },
      only: { type: 'string', default: 'memory,single,10,50,list' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    print(help);
    return;
  }
  const folder = resolve(options.dir);
  const parts = new Set(options.only.split(','));
  try {
    const figures = await measure(folder, Number(options.hosts), Number(options.servers), parts);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    if (!options.keep) await stopCluster(folder);
  }
}

async function measure(folder: string, hosts: number, servers: number, parts: ReadonlySet<string>) {
  const world = loadWorld(folder) ?? benchWorld(hosts);
  const { description } = await startCluster(
    { folder, host_count: hosts, world, world_file: null, settings: null, api_port: null, schedulers: 1 },
    (line) => process.stderr.write(`drover: ${line}\n`),
  );
  const api_url = description.urls.compute.replace('/compute/v2.1', '');
  const session = await logIn(api_url, administratorOf(world));
  const { database_url } = description;
  const herd = new Herd({ session, database_url, flavor_id: FLAVOR, image_name: IMAGE });
  const bench = new Bench(folder, session, herd);
  print(`${cpus().length} cores, ${hosts} hosts, everything on this machine`);
  try {
    const memory = parts.has('memory') ? await measureMemory(bench) : null;
    const single = parts.has('single') ? await measureSingle(bench) : null;
    const batches: BatchFigures[] = [];
    for (const part of parts) if (Number(part) > 0) batches.push(await measureBatch(bench, Number(part)));
    const list = parts.has('list') ? await measureList(bench, servers) : null;
    return { cores: cpus().length, hosts, memory, single, batches, list };
  } finally {
    await herd.close();
  }
}

const loadWorld = (folder: string): World | null => loadState(folder)?.world ?? null;

async function measureMemory(bench: Bench) {
  await delay(IDLE_SECONDS * 1000);
  const memory = bench.memory();
  print('memory when idle (largest resident, all proportional)');
  for (const [role, figure] of Object.entries(memory))
    print(
      `   ${role.padEnd(10)} ${String(figure.resident_mib_max).padStart(4)} MiB, ` +
        `${figure.processes} processes together ${figure.proportional_mib_sum} MiB`,
    );
  return memory;
}

async function measureSingle(bench: Bench): Promise<SingleFigures> {
  const single = await bench.single();
  const { median, max } = single.milliseconds;
  print(`one migration of 1 MiB, ${SINGLE_MIGRATIONS} in a row: median ${median} ms, max ${max} ms`);
  print(`   steps, median ms     ${pairs(single.step_medians_ms)}`);
  printCpu(single.cpu_ms_per_migration);
  return single;
}

async function measureBatch(bench: Bench, at_once: number): Promise<BatchFigures> {
  const batch = await bench.batch(at_once);
  const { median, max } = batch.milliseconds;
  print(
    `${at_once} at once: ${batch.per_second.join(', ')} migrations per second; each median ${median} ms, max ${max} ms`,
  );
  print(`   steps, median ms     ${pairs(batch.step_medians_ms)}`);
  printCpu(batch.cpu_ms_per_migration);
  return batch;
}

async function measureList(bench: Bench, servers: number): Promise<RequestRate[]> {
  const rates = await bench.list(servers);
  for (const { connections, requests_per_second, milliseconds } of rates)
    print(
      `GET /servers/detail with ${servers} servers, ${connections} connections: ${requests_per_second} requests per second, ` +
        `median ${milliseconds.median} ms, max ${milliseconds.max} ms`,
    );
  return rates;
}
