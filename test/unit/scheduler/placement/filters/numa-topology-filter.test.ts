import { describe } from 'vitest';
import { NUMATopologyFilter } from '../../../../../services/scheduler/placement/filters/numa-topology-filter.ts';
import { host, request, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const pinned = (cell: number, pinned_cpus: readonly number[]) => ({
  numa_cells: [{ cell, pinned_cpus, shared_cpus: 0, memory_mb: 0, page_size_kib: null }],
});
const pages = (cell: number, memory_mb: number) => ({
  numa_cells: [{ cell, pinned_cpus: [], shared_cpus: 0, memory_mb, page_size_kib: 2048 }],
});

describe('NUMATopologyFilter', () => {
  checkFilter(NUMATopologyFilter, {
    'a flavor that asks nothing runs anywhere': { hosts: [host('a')], passes: ['a'] },
    'a host without cells cannot take a guest with cells': {
      hosts: [host('a'), host('b').numa()],
      request: request().spec('hw:numa_nodes', '1'),
      passes: ['b'],
      rejects: { a: 'reports no NUMA cells' },
    },
    'each guest cell needs a host cell': {
      hosts: [host('a').numa()],
      request: request().flavor({ vcpus: 3, memory_mb: 3072 }).spec('hw:numa_nodes', '3'),
      passes: [],
      rejects: { a: 'has 2 NUMA cells, asked for 3' },
    },
    'one cell must hold the whole guest cell': {
      hosts: [host('a').numa()],
      request: request().flavor({ vcpus: 6 }).spec('hw:numa_nodes', '1'),
      passes: [],
      rejects: { a: 'short of 2 CPUs in one NUMA cell' },
    },
    'two cells hold what one cannot': {
      hosts: [host('a').numa()],
      request: request().flavor({ vcpus: 6, memory_mb: 8192 }).spec('hw:numa_nodes', '2'),
      passes: ['a'],
    },
    'uneven cells, given by hand': {
      hosts: [host('a').numa()],
      request: request()
        .flavor({ vcpus: 4, memory_mb: 4096 })
        .spec('hw:numa_nodes', '2')
        .spec('hw:numa_cpus.0', '0')
        .spec('hw:numa_mem.0', '1024')
        .spec('hw:numa_cpus.1', '1-3')
        .spec('hw:numa_mem.1', '3072'),
      passes: ['a'],
    },
    'cells by hand must add up': {
      hosts: [host('a').numa()],
      request: request()
        .flavor({ vcpus: 4, memory_mb: 4096 })
        .spec('hw:numa_nodes', '2')
        .spec('hw:numa_cpus.0', '0')
        .spec('hw:numa_mem.0', '1024')
        .spec('hw:numa_cpus.1', '1-2')
        .spec('hw:numa_mem.1', '3072'),
      passes: [],
      rejects: { a: 'must add up to 4 cpus and 4096 MB' },
    },
    'what cannot be divided says so': {
      hosts: [host('a').numa()],
      request: request().flavor({ vcpus: 3 }).spec('hw:numa_nodes', '2'),
      passes: [],
      rejects: { a: 'cannot be divided' },
    },
    'pinned cpus are taken by one server': {
      hosts: [
        host('a')
          .numa()
          .with({ claim_details: [pinned(0, [0, 1, 2])] }),
        host('b')
          .numa()
          .with({ claim_details: [pinned(0, [0, 1, 2]), pinned(1, [4, 5, 6])] }),
      ],
      request: request().spec('hw:cpu_policy', 'dedicated'),
      passes: ['a'],
      rejects: { b: 'short of 1 free CPUs to pin in one NUMA cell' },
    },
    'threads are required together': {
      hosts: [
        host('a')
          .numa()
          .with({ claim_details: [pinned(0, [0, 2]), pinned(1, [4, 6])] }),
        host('b').numa(),
      ],
      request: request().spec('hw:cpu_policy', 'dedicated').spec('hw:cpu_thread_policy', 'require'),
      passes: ['b'],
    },
    'threads are required of a host without them': {
      hosts: [
        host('a')
          .numa()
          .with({ numa_cells: [{ id: 0, cpus: [0, 1], siblings: [], memory_mb: 4096, pages: [] }] }),
      ],
      request: request().spec('hw:cpu_policy', 'dedicated').spec('hw:cpu_thread_policy', 'require'),
      passes: [],
      rejects: { a: 'has no hyperthreads' },
    },
    'isolated cpus want whole cores': {
      hosts: [
        host('a').numa(),
        host('b')
          .numa()
          .with({ claim_details: [pinned(0, [0]), pinned(1, [4])] }),
      ],
      request: request().spec('hw:cpu_policy', 'dedicated').spec('hw:cpu_thread_policy', 'isolate'),
      passes: ['a'],
      rejects: { b: 'short of 1 whole free cores' },
    },
    'mixed: some pinned, some shared': {
      hosts: [
        host('a').numa(),
        host('b')
          .numa()
          .with({ claim_details: [pinned(0, [0, 1, 2, 3]), pinned(1, [4, 5, 6])] }),
      ],
      request: request().spec('hw:cpu_policy', 'mixed').spec('hw:cpu_dedicated_mask', '0'),
      passes: ['a'],
      rejects: { b: 'shared CPUs' },
    },
    'mixed without a mask says so': {
      hosts: [host('a').numa()],
      request: request().spec('hw:cpu_policy', 'mixed'),
      passes: [],
      rejects: { a: 'needs hw:cpu_dedicated_mask' },
    },
    'huge pages': {
      hosts: [
        host('a').numa(),
        host('b')
          .numa()
          .with({ claim_details: [pages(0, 1024), pages(1, 1024)] }),
      ],
      request: request().spec('hw:mem_page_size', 'large'),
      passes: ['a'],
      rejects: { b: 'short of 1024 MB of free pages in one NUMA cell' },
    },
    'a page size that the host lacks': {
      hosts: [host('a').numa()],
      request: request().spec('hw:mem_page_size', '1GB'),
      passes: [],
      rejects: { a: 'has pages of 4, 2048 KiB, asked for 1048576 KiB' },
    },
    'small pages': {
      hosts: [
        host('a')
          .numa()
          .with({ claim_details: [pages(0, 2048)] }),
      ],
      request: request().spec('hw:mem_page_size', 'small'),
      passes: ['a'],
    },
    'the image may ask as well': {
      hosts: [host('a'), host('b').numa()],
      request: request().image({ hw_cpu_policy: 'dedicated' }),
      passes: ['b'],
    },
    'PCI devices must be near the cells': {
      hosts: [
        host('a').numa().pci('0000:01:00.0', { numa_node: 1 }),
        host('b')
          .numa()
          .pci('0000:01:00.0', { numa_node: 1 })
          .with({ claim_details: [pinned(1, [4, 5, 6])] }),
      ],
      request: request().spec('hw:cpu_policy', 'dedicated').spec('pci_passthrough:alias', 'gpu:1'),
      settings: settings({}, { pci_aliases: [{ name: 'gpu', vendor_id: '10de', numa_policy: 'required' }] }),
      passes: ['a'],
      rejects: { b: 'no free PCI devices near' },
    },
    'an unknown word says so': {
      hosts: [host('a').numa()],
      request: request().spec('hw:cpu_policy', 'sometimes'),
      passes: [],
      rejects: { a: 'is not one of shared, dedicated, mixed' },
    },
  });
});
