import type { PlacementRequest } from '../model.ts';
import { parseCpuList } from './cpu-list.ts';

export type ThreadPolicy = 'prefer' | 'require' | 'isolate';

/** `small`, `large` or `any`, or a size. */
export type PageSize = 'small' | 'large' | 'any' | number;

/** One cell of the guest's NUMA topology. */
export interface GuestCell {
  readonly dedicated_cpus: number;
  readonly shared_cpus: number;
  readonly memory_mb: number;
}

export interface NumaRequest {
  readonly cells: readonly GuestCell[];
  readonly thread_policy: ThreadPolicy;
  readonly page_size: PageSize | null;
}

/** The flavor contradicts itself: no host can be right. */
export interface NumaProblem {
  readonly problem: string;
}

/**
 * What flavor and image ask of a host's NUMA cells: `hw:numa_nodes`, `hw:numa_cpus.N`, `hw:numa_mem.N`,
 * `hw:cpu_policy`, `hw:cpu_dedicated_mask`, `hw:cpu_thread_policy`, `hw:mem_page_size`, each also as an image property
 * with an underscore. The flavor's word counts first. Null: nothing is asked, and any host will do.
 */
export function numaRequestOf(request: PlacementRequest): NumaRequest | NumaProblem | null {
  const specs = request.flavor.extra_specs;
  const read = (name: string): string | undefined =>
    specs[`hw:${name}`] ?? request.image_properties[`hw_${name}`];
  const policy = read('cpu_policy') ?? 'shared';
  if (policy !== 'shared' && policy !== 'dedicated' && policy !== 'mixed') {
    return { problem: `hw:cpu_policy=${policy} is not one of shared, dedicated, mixed` };
  }
  const page_size = pageSizeOf(read('mem_page_size'));
  if (page_size !== null && typeof page_size === 'object') return page_size;
  const nodes_text = read('numa_nodes');
  if (nodes_text === undefined && policy === 'shared' && page_size === null) return null;
  const nodes = Number(nodes_text ?? '1');
  if (!Number.isInteger(nodes) || nodes < 1)
    return { problem: `hw:numa_nodes=${nodes_text} is not a whole number above 0` };
  const thread_policy = read('cpu_thread_policy') ?? 'prefer';
  if (thread_policy !== 'prefer' && thread_policy !== 'require' && thread_policy !== 'isolate') {
    return { problem: `hw:cpu_thread_policy=${thread_policy} is not one of prefer, require, isolate` };
  }
  const dedicated = dedicatedCpus(policy, specs['hw:cpu_dedicated_mask'], request.flavor.vcpus);
  if ('problem' in dedicated) return dedicated;
  const cells = cellsOf(request, nodes, read, dedicated.cpus);
  return 'problem' in cells ? cells : { cells: cells.cells, thread_policy, page_size };
}

function dedicatedCpus(
  policy: 'shared' | 'dedicated' | 'mixed',
  mask: string | undefined,
  vcpus: number,
): { readonly cpus: ReadonlySet<number> } | NumaProblem {
  const all = Array.from({ length: vcpus }, (_, cpu) => cpu);
  if (policy === 'shared') return { cpus: new Set() };
  if (policy === 'dedicated') return { cpus: new Set(all) };
  const listed = mask === undefined ? null : parseCpuList(mask, vcpus);
  if (listed === null || listed.size === 0 || listed.size >= vcpus) {
    return {
      problem: `hw:cpu_policy=mixed needs hw:cpu_dedicated_mask with some of ${vcpus} cpus, not ${mask ?? 'none'}`,
    };
  }
  return { cpus: listed };
}

function cellsOf(
  request: PlacementRequest,
  nodes: number,
  read: (name: string) => string | undefined,
  dedicated: ReadonlySet<number>,
): { readonly cells: readonly GuestCell[] } | NumaProblem {
  const { vcpus, memory_mb } = request.flavor;
  const manual = read('numa_cpus.0') !== undefined || read('numa_mem.0') !== undefined;
  if (!manual && (vcpus % nodes !== 0 || memory_mb % nodes !== 0)) {
    return { problem: `${vcpus} cpus and ${memory_mb} MB cannot be divided among hw:numa_nodes=${nodes}` };
  }
  const taken = new Set<number>();
  const cells: GuestCell[] = [];
  let memory = 0;
  for (let node = 0; node < nodes; node += 1) {
    const per_node = vcpus / nodes;
    const cpus = manual
      ? parseCpuList(read(`numa_cpus.${node}`) ?? '', vcpus)
      : new Set(Array.from({ length: per_node }, (_, index) => node * per_node + index));
    const cell_memory = manual ? Number(read(`numa_mem.${node}`)) : memory_mb / nodes;
    if (cpus === null || cpus.size === 0 || !(cell_memory > 0)) {
      return { problem: `hw:numa_cpus.${node} and hw:numa_mem.${node} must both be given and make sense` };
    }
    for (const cpu of cpus) taken.add(cpu);
    memory += cell_memory;
    const dedicated_cpus = [...cpus].filter((cpu) => dedicated.has(cpu)).length;
    cells.push({ dedicated_cpus, shared_cpus: cpus.size - dedicated_cpus, memory_mb: cell_memory });
  }
  const counted = cells.reduce((sum, cell) => sum + cell.dedicated_cpus + cell.shared_cpus, 0);
  if (taken.size !== vcpus || counted !== vcpus || memory !== memory_mb) {
    return { problem: `hw:numa_cpus.N and hw:numa_mem.N must add up to ${vcpus} cpus and ${memory_mb} MB` };
  }
  return { cells };
}

const kibibytes: Readonly<Record<string, number>> = { '': 1, k: 1, m: 1024, g: 1024 * 1024 };

function pageSizeOf(text: string | undefined): PageSize | NumaProblem | null {
  if (text === undefined) return null;
  if (text === 'small' || text === 'large' || text === 'any') return text;
  const [, number, unit = ''] = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const size = Number(number) * (kibibytes[unit.toLowerCase()] ?? Number.NaN);
  return size > 0 ? size : { problem: `hw:mem_page_size=${text} is neither small, large, any nor a size` };
}
