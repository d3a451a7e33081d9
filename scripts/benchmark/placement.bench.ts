import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { decide } from '../../services/scheduler/placement/decide.ts';
import { filters } from '../../services/scheduler/placement/filters/registry.ts';
import type { Snapshot } from '../../services/scheduler/placement/model.ts';
import { seededRandom } from '../../services/scheduler/placement/random.ts';
import {
  defaultPlacementSettings,
  type PlacementSettings,
} from '../../services/scheduler/placement/settings.ts';
import { createSnapshot } from '../../services/scheduler/placement/snapshot.ts';
import { startPrivatePostgres } from '../cluster/private-postgres.ts';
import { claimedPerSecond, type ClaimFigures } from './claims.ts';
import { fleet, fleetRequest } from './fleet.ts';
import { compareWithNova, hasNova } from './nova-comparison.ts';

interface Spread {
  readonly median: number;
  readonly p99: number;
}

const help = `usage: scripts/bench placement [--hosts 1000,5000,…] [--decisions N] [--json FILE] [--no-nova] [--no-claims]
         [--database URL]

Milliseconds per decision with all reasons kept, with the default filters and with every filter enabled; memory per
host; and, where Debian's python3-nova is installed, how many times longer Nova's own filters and weighers take.
And at 5,000 hosts, against a PostgreSQL of its own (or that of --database, or DROVER_DATABASE_URL), which syncs each
commit to the disk: claimed decisions per second, which is the decision with all reasons, its claim and its stored
record, committed; and moves per second, the same with all else that a move writes at its choice.
--no-claims leaves that out.
`;

/** The measurement behind `scripts/bench placement`. */
export async function run(values: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...values],
    options: {
      hosts: { type: 'string', default: '1000,5000,10000,20000,100000' },
      decisions: { type: 'string', default: '1000' },
      json: { type: 'string' },
      nova: { type: 'boolean', default: true },
      claims: { type: 'boolean', default: true },
      database: { type: 'string', default: process.env['DROVER_DATABASE_URL'] ?? '' },
      help: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const sizes = options.hosts.split(',').map(Number);
  const decisions = Number(options.decisions);
  const every: PlacementSettings = {
    ...defaultPlacementSettings,
    filter_scheduler: { ...defaultPlacementSettings.filter_scheduler, enabled_filters: [...filters.keys()] },
  };
  const decision_ms: Record<string, Spread> = {};
  const all_filters_ms: Record<string, Spread> = {};
  const nova_over_drover: Record<string, number> = {};
  let bytes_per_host = 0;
  const with_nova = options.nova && hasNova();
  if (options.nova && !with_nova) {
    process.stdout.write(
      "Nova's filters are not installed, so the ratio is not measured. On Debian: apt-get install python3-nova\n",
    );
  }
  process.stdout.write(
    '   hosts   default filters (ms)      all filters (ms)      bytes/host   Nova ÷ Drover\n',
  );
  for (const hosts of sizes) {
    const { snapshot, bytes } = measureMemory(hosts);
    bytes_per_host = Math.max(bytes_per_host, Math.round(bytes / hosts));
    const count = Math.max(100, Math.min(decisions, Math.round((decisions * 10_000) / hosts)));
    const usual = measure(snapshot, defaultPlacementSettings, count);
    const all = measure(snapshot, every, count);
    decision_ms[hosts] = usual;
    all_filters_ms[hosts] = all;
    const ratio = with_nova ? compareWithNova(snapshot) : null;
    if (ratio !== null) nova_over_drover[hosts] = ratio;
    process.stdout.write(
      `${String(hosts).padStart(8)}   ${spread(usual)}   ${spread(all)}   ${String(Math.round(bytes / hosts)).padStart(8)}   ${
        ratio === null ? 'not measured' : `${ratio.toFixed(0)}×`
      }\n`,
    );
  }
  const first = sizes[0] ?? 1;
  const last = sizes.at(-1) ?? 1;
  const growth = (decision_ms[last]?.median ?? 0) / (decision_ms[first]?.median ?? 1);
  process.stdout.write(
    `growth of the median from ${first} to ${last} hosts: ${growth.toFixed(1)}× for ${(last / first).toFixed(0)}× the hosts\n`,
  );
  const figures = { decision_ms, all_filters_ms, bytes_per_host, nova_over_drover };
  // Before as well: what follows can fail for want of a database.
  write(options.json, figures);
  const { claims, moves } = options.claims
    ? await measureClaims(options.database)
    : { claims: {}, moves: {} };
  for (const [what, found] of [
    ['claimed decisions per second (decision with all reasons, claim, stored record; committed)', claims],
    ['moves per second (the same with the rows, events, turn and command of the move)', moves],
  ] as const)
    for (const [schedulers, figure] of Object.entries(found))
      process.stdout.write(`${what} at 5000 hosts, ${schedulers} scheduler(s): ${claimLine(figure)}\n`);
  const perSecond = (of: Readonly<Record<string, ClaimFigures>>): Readonly<Record<string, number>> =>
    Object.fromEntries(Object.entries(of).map(([schedulers, { per_second }]) => [schedulers, per_second]));
  write(options.json, {
    ...figures,
    claimed_per_second: perSecond(claims),
    moves_per_second: perSecond(moves),
  });
}

function write(file: string | undefined, figures: object): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
}

async function measureClaims(
  named: string,
): Promise<Readonly<Record<'claims' | 'moves', Readonly<Record<string, ClaimFigures>>>>> {
  const own = named === '' ? await startPrivatePostgres(true) : null;
  const url = own?.url ?? named;
  try {
    return { claims: await claimedPerSecond(url, 'claims'), moves: await claimedPerSecond(url, 'moves') };
  } finally {
    await own?.end();
  }
}

/** What a snapshot of so many hosts keeps alive, columns included. */
function measureMemory(hosts: number): { readonly snapshot: Snapshot; readonly bytes: number } {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const alive = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  // Once before: what the engine keeps of the code itself is not the hosts'.
  createSnapshot(fleet(200, 'warm'));
  const before = alive();
  const snapshot = createSnapshot(fleet(hosts, 'memory'));
  return { snapshot, bytes: alive() - before };
}

function measure(snapshot: Snapshot, settings: PlacementSettings, count: number): Spread {
  const hosts = snapshot.hosts.length;
  const random = seededRandom('requests');
  const requests = Array.from({ length: 150 }, (_, number) => fleetRequest(number, hosts, random));
  const milliseconds: number[] = [];
  const warm = Math.min(150, count);
  for (let round = -warm; round < count; round += 1) {
    const request = requests[(round + warm) % requests.length];
    if (request === undefined) continue;
    const started = performance.now();
    decide(snapshot, request, settings, `req-${round}`);
    if (round >= 0) milliseconds.push(performance.now() - started);
  }
  milliseconds.sort((left, right) => left - right);
  const at = (share: number): number => milliseconds[Math.floor((milliseconds.length - 1) * share)] ?? 0;
  return { median: rounded(at(0.5)), p99: rounded(at(0.99)) };
}

function claimLine({ per_second, scheduler_cpu_ms, database_cpu_ms }: ClaimFigures): string {
  const database = database_cpu_ms === null ? 'not seen' : `${database_cpu_ms.toFixed(2)} ms`;
  return `${per_second}; processor time of each: scheduler ${scheduler_cpu_ms.toFixed(2)} ms, database ${database}`;
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

function spread({ median, p99 }: Spread): string {
  return `${median.toFixed(3).padStart(7)} p99 ${p99.toFixed(3).padStart(7)}`;
}
