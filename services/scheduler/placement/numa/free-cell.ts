import type { NumaCellReport } from '../../../../shared/messaging/host-report.ts';
import type { HostState } from '../model.ts';

/** One host cell with what claims have left of it. */
export interface FreeCell {
  readonly id: number;
  readonly cpus: number;
  readonly memory_mb: number;
  readonly used_memory_mb: number;
  readonly used_shared_cpus: number;
  /** Free cpus per core, in the order of the report; cores without a free cpu are left out. */
  readonly free_cores: ReadonlyArray<readonly number[]>;
  /** Threads of each core that has a free cpu, beside `free_cores`. */
  readonly core_sizes: readonly number[];
  /** Page size in KiB → free pages. */
  readonly free_pages: ReadonlyMap<number, number>;
}

const KIBIBYTES_PER_MEBIBYTE = 1024;

/** The cells of a host after all claims on it. */
export function freeCells(host: HostState): readonly FreeCell[] {
  return host.numa_cells.map((cell) => freeCell(cell, host));
}

function freeCell(cell: NumaCellReport, host: HostState): FreeCell {
  const pinned = new Set<number>();
  const free_pages = new Map(cell.pages.map(({ size_kib, total }) => [size_kib, total]));
  let used_memory_mb = 0;
  let used_shared_cpus = 0;
  for (const details of host.claim_details ?? []) {
    for (const claim of details.numa_cells ?? []) {
      if (claim.cell !== cell.id) continue;
      for (const cpu of claim.pinned_cpus) pinned.add(cpu);
      used_shared_cpus += claim.shared_cpus;
      used_memory_mb += claim.memory_mb;
      const size = claim.page_size_kib;
      if (size !== null) {
        const pages = Math.ceil((claim.memory_mb * KIBIBYTES_PER_MEBIBYTE) / size);
        free_pages.set(size, (free_pages.get(size) ?? 0) - pages);
      }
    }
  }
  const cores = coresOf(cell)
    .map((core) => ({ size: core.length, free: core.filter((cpu) => !pinned.has(cpu)) }))
    .filter(({ free }) => free.length > 0);
  return {
    id: cell.id,
    cpus: cell.cpus.length,
    memory_mb: cell.memory_mb,
    used_memory_mb,
    used_shared_cpus,
    free_cores: cores.map(({ free }) => free),
    core_sizes: cores.map(({ size }) => size),
    free_pages,
  };
}

/** Sets of thread siblings; a cpu that is in no set is a core of its own. */
function coresOf(cell: NumaCellReport): ReadonlyArray<readonly number[]> {
  const own = new Set(cell.cpus);
  const cores = cell.siblings
    .map((core) => core.filter((cpu) => own.has(cpu)))
    .filter((core) => core.length > 0);
  for (const core of cores) for (const cpu of core) own.delete(cpu);
  return [...cores, ...[...own].map((cpu) => [cpu])];
}
