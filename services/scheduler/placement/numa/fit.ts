import type { HostState, NumaCellClaim } from '../model.ts';
import { freeCells, type FreeCell } from './free-cell.ts';
import { pinCpus } from './pin-cpus.ts';
import type { GuestCell, NumaRequest, PageSize } from './request.ts';

export interface NumaMisfit {
  readonly code: string;
  readonly message: string;
  readonly asked?: number | string;
  readonly available?: number | string;
  readonly unit?: string;
}

export type NumaFit = { readonly cells: readonly NumaCellClaim[] } | { readonly misfit: NumaMisfit };

/**
 * Puts each guest cell on a host cell of its own, trying all ways until one fits.
 *
 * @param accepts a last word on the chosen host cells: PCI devices may have to be near them
 */
export function fitNuma(
  host: HostState,
  request: NumaRequest,
  accepts: (cells: readonly NumaCellClaim[]) => boolean,
): NumaFit {
  const free = freeCells(host);
  if (free.length === 0) return { misfit: { code: 'numa_unreported', message: 'reports no NUMA cells' } };
  if (free.length < request.cells.length) {
    return {
      misfit: {
        code: 'numa_cells_short',
        message: 'has {available} NUMA cells, asked for {asked}',
        asked: request.cells.length,
        available: free.length,
      },
    };
  }
  const cpu_ratio = host.inventories.VCPU?.allocation_ratio ?? 1;
  const memory_ratio = host.inventories.MEMORY_MB?.allocation_ratio ?? 1;
  const pci_misfit: NumaMisfit = {
    code: 'numa_pci',
    message: 'has no free PCI devices near the NUMA cells that fit',
  };
  let misfit = pci_misfit;
  // Cells that fit but for the devices are the nearer miss.
  let lacks_devices_only = false;
  const place = (index: number, taken: readonly NumaCellClaim[]): readonly NumaCellClaim[] | null => {
    const guest = request.cells[index];
    if (guest === undefined) {
      if (accepts(taken)) return taken;
      lacks_devices_only = true;
      return null;
    }
    for (const cell of free) {
      if (taken.some((claim) => claim.cell === cell.id)) continue;
      const fit = fitCell(cell, guest, request, cpu_ratio, memory_ratio);
      if ('code' in fit) {
        misfit = fit;
        continue;
      }
      const placed = place(index + 1, [...taken, fit]);
      if (placed !== null) return placed;
    }
    return null;
  };
  const cells = place(0, []);
  if (cells !== null) return { cells };
  return { misfit: lacks_devices_only ? pci_misfit : misfit };
}

function fitCell(
  cell: FreeCell,
  guest: GuestCell,
  request: NumaRequest,
  cpu_ratio: number,
  memory_ratio: number,
): NumaCellClaim | NumaMisfit {
  const cpus = guest.dedicated_cpus + guest.shared_cpus;
  // A server may not overcommit against itself, whatever the ratio.
  if (cpus > cell.cpus) return short('numa_cpus_short', cpus, cell.cpus, 'CPUs in one NUMA cell');
  if (guest.memory_mb > cell.memory_mb) {
    return short('numa_memory_short', guest.memory_mb, cell.memory_mb, 'MB of RAM in one NUMA cell');
  }
  const pinned = pinCpus(cell, guest.dedicated_cpus, request.thread_policy);
  if ('code' in pinned) return pinned;
  if (guest.shared_cpus > 0) {
    const free_cpus = cell.free_cores.flat().length - pinned.cpus.length;
    const available = free_cpus * cpu_ratio - cell.used_shared_cpus;
    if (available < guest.shared_cpus) {
      return short('numa_cpus_short', guest.shared_cpus, available, 'shared CPUs in one NUMA cell');
    }
  }
  const claim = {
    cell: cell.id,
    pinned_cpus: pinned.cpus,
    shared_cpus: guest.shared_cpus,
    memory_mb: guest.memory_mb,
  };
  if (request.page_size === null) {
    const available = cell.memory_mb * memory_ratio - cell.used_memory_mb;
    if (available < guest.memory_mb) {
      return short('numa_memory_short', guest.memory_mb, available, 'MB of RAM in one NUMA cell');
    }
    return { ...claim, page_size_kib: null };
  }
  const page_size_kib = pageSizeThatFits(cell, guest.memory_mb, request.page_size);
  return typeof page_size_kib === 'number' ? { ...claim, page_size_kib } : page_size_kib;
}

const KIBIBYTES_PER_MEBIBYTE = 1024;

/** The size of page to use: with a choice, the largest of which enough are free. */
function pageSizeThatFits(cell: FreeCell, memory_mb: number, wanted: PageSize): number | NumaMisfit {
  const sizes = [...cell.free_pages.keys()].sort((left, right) => left - right);
  const smallest = sizes[0];
  if (smallest === undefined) return { code: 'numa_pages_unreported', message: 'reports no memory pages' };
  const allowed = sizes.filter((size) => {
    if (wanted === 'any') return true;
    if (wanted === 'small') return size === smallest;
    return wanted === 'large' ? size > smallest : size === wanted;
  });
  if (allowed.length === 0) {
    const asked = typeof wanted === 'number' ? `${wanted} KiB` : wanted;
    return {
      code: 'numa_page_size',
      message: 'has pages of {available} KiB, asked for {asked}',
      asked,
      available: sizes.join(', '),
    };
  }
  const memory_kib = memory_mb * KIBIBYTES_PER_MEBIBYTE;
  const fitting = allowed
    .toReversed()
    .find((size) => memory_kib % size === 0 && (cell.free_pages.get(size) ?? 0) >= memory_kib / size);
  if (fitting !== undefined) return fitting;
  const most = Math.max(
    ...allowed.map((size) => ((cell.free_pages.get(size) ?? 0) * size) / KIBIBYTES_PER_MEBIBYTE),
  );
  if (most >= memory_mb) {
    return { code: 'numa_page_size', message: 'its pages do not divide {asked} MB', asked: memory_mb };
  }
  return short('numa_pages_short', memory_mb, most, 'MB of free pages in one NUMA cell');
}

function short(code: string, asked: number, available: number, unit: string): NumaMisfit {
  return { code, message: `short of {short} ${unit}`, asked, available, unit };
}
