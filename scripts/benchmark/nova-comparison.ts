import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { decide } from '../../services/scheduler/placement/decide.ts';
import type { HostState, Snapshot } from '../../services/scheduler/placement/model.ts';
import { seededRandom } from '../../services/scheduler/placement/random.ts';
import {
  defaultPlacementSettings,
  type PlacementSettings,
} from '../../services/scheduler/placement/settings.ts';
import { fleetRequest } from './fleet.ts';

const python = '/usr/bin/python3';
const driver = join(import.meta.dirname, 'nova_placement.py');

/** The weighers of Nova 26, which Debian ships: newer ones would make another order. */
const novaWeighers = [
  'CrossCellWeigher',
  'MetricsWeigher',
  'CPUWeigher',
  'BuildFailureWeigher',
  'ServerGroupSoftAffinityWeigher',
  'ServerGroupSoftAntiAffinityWeigher',
  'RAMWeigher',
  'DiskWeigher',
  'PCIWeigher',
  'IoOpsWeigher',
];

interface NovaAnswer {
  readonly milliseconds: readonly number[];
  readonly passed: number;
  readonly ranked: ReadonlyArray<readonly [host: string, weight: number]>;
}

/** Whether Nova's code is there to be measured. */
export function hasNova(): boolean {
  return spawnSync(python, ['-c', 'import nova.scheduler.filters']).status === 0;
}

/**
 * The same request through Nova's own filters and weighers, in the same run. Nova gets the hosts that placement would
 * have given it: those that are enabled and have the capacity. Its time does not include that question, ours does.
 *
 * @returns how many times longer Nova takes
 * @throws when Nova ranks the hosts in another order: then one of the two is wrong, and the ratio means nothing
 */
export function compareWithNova(snapshot: Snapshot): number {
  const request = fleetRequest(0, snapshot.hosts.length, seededRandom('nova'));
  const settings: PlacementSettings = {
    ...defaultPlacementSettings,
    filter_scheduler: { ...defaultPlacementSettings.filter_scheduler, weight_classes: novaWeighers },
    scheduler: { ...defaultPlacementSettings.scheduler, max_attempts: 10 },
  };
  const ours: number[] = [];
  let decision = decide(snapshot, request, settings, 'nova');
  for (let round = 0; round < 100; round += 1) {
    const started = performance.now();
    decision = decide(snapshot, request, settings, 'nova');
    ours.push(performance.now() - started);
  }
  const excluded = new Set(
    [...decision.rejections]
      .filter(
        ({ filter, code }) => filter === 'Capacity' || filter === 'HostSelection' || code === 'disabled',
      )
      .map(({ host }) => host),
  );
  const candidates = snapshot.hosts.filter((host) => !excluded.has(host.name)).map(forNova);
  const answered = spawnSync(python, [driver], {
    input: JSON.stringify({ hosts: candidates, rounds: snapshot.hosts.length > 20_000 ? 1 : 3 }),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (answered.status !== 0) throw new Error(`Nova's filters failed: ${answered.stderr.slice(-2000)}`);
  const nova = JSON.parse(answered.stdout) as NovaAnswer;
  checkSame(decision.weighed, decision.ranked, nova);
  return median(nova.milliseconds) / median(ours);
}

function checkSame(
  weighed: number,
  ranked: ReadonlyArray<{ readonly host: string; readonly weight: number }>,
  nova: NovaAnswer,
): void {
  if (nova.passed !== weighed) throw new Error(`Nova let ${nova.passed} hosts pass, Drover ${weighed}`);
  for (const [index, [host, weight]] of nova.ranked.slice(0, ranked.length).entries()) {
    const own = ranked[index];
    // The sums are made in another order, so the last digits may differ, and with them the order of equals.
    if (own === undefined || Math.abs(own.weight - weight) > 1e-6) {
      throw new Error(`Nova ranks ${host} (${weight}) at ${index}, Drover ${own?.host} (${own?.weight})`);
    }
  }
}

function forNova(host: HostState): object {
  const { VCPU, MEMORY_MB, DISK_GB } = host.inventories;
  return {
    name: host.name,
    up: host.up,
    vcpus: VCPU?.total ?? 0,
    vcpus_used: (VCPU?.used ?? 0) + (VCPU?.reserved ?? 0),
    cpu_allocation_ratio: VCPU?.allocation_ratio ?? 1,
    memory_mb: MEMORY_MB?.total ?? 0,
    free_ram_mb: (MEMORY_MB?.total ?? 0) - (MEMORY_MB?.reserved ?? 0) - (MEMORY_MB?.used ?? 0),
    free_disk_mb: ((DISK_GB?.total ?? 0) - (DISK_GB?.reserved ?? 0) - (DISK_GB?.used ?? 0)) * 1024,
    hypervisor_type: host.hypervisor_type,
    hypervisor_version: host.hypervisor_version,
    supported_instances: host.supported_instances,
    cpu_info: JSON.stringify(host.cpu_info),
    num_io_ops: host.io_operations,
    failed_builds: host.failed_builds,
    instances: [...host.instances.keys()],
    aggregates: host.aggregates,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}
