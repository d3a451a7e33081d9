import type { FreeCell } from './free-cell.ts';
import type { NumaMisfit } from './fit.ts';
import type { ThreadPolicy } from './request.ts';

/**
 * Host cpus for so many dedicated guest cpus.
 *
 * `prefer` fills the cores with the most free threads first; `require` uses only threads that have a free sibling;
 * `isolate` gives each guest cpu a core that nobody else uses, and so takes all its threads.
 */
export function pinCpus(
  cell: FreeCell,
  count: number,
  policy: ThreadPolicy,
): { readonly cpus: readonly number[] } | NumaMisfit {
  if (count === 0) return { cpus: [] };
  if (policy === 'isolate') {
    const whole = cell.free_cores.filter((core, index) => core.length === cell.core_sizes[index]);
    if (whole.length < count) return misfit(count, whole.length, 'whole free cores in one NUMA cell');
    return { cpus: whole.slice(0, count).flat() };
  }
  if (policy === 'require' && !cell.core_sizes.some((size) => size > 1)) {
    return {
      code: 'numa_no_threads',
      message: 'has no hyperthreads, which hw:cpu_thread_policy=require needs',
    };
  }
  const usable = policy === 'require' ? cell.free_cores.filter((core) => core.length > 1) : cell.free_cores;
  const cpus = [...usable].sort((left, right) => right.length - left.length).flat();
  if (cpus.length < count) return misfit(count, cpus.length, 'free CPUs to pin in one NUMA cell');
  return { cpus: cpus.slice(0, count) };
}

function misfit(asked: number, available: number, unit: string): NumaMisfit {
  return { code: 'numa_cpus_short', message: `short of {short} ${unit}`, asked, available, unit };
}
