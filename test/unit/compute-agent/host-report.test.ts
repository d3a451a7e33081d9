import { expect, it } from 'vitest';
import type { InstanceFolders } from '../../../services/compute-agent/folders/instance-folders.ts';
import type { Hypervisor } from '../../../services/compute-agent/hypervisor/hypervisor.ts';
import { buildHostReport } from '../../../services/compute-agent/inventory/host-report.ts';
import { hostName, instanceId } from '../../../shared/domain/ids.ts';

const quiet = instanceId('aaaaaaaa-0000-4000-8000-000000000001');
const busy = instanceId('aaaaaaaa-0000-4000-8000-000000000002');
const stranger = instanceId('aaaaaaaa-0000-4000-8000-000000000003');

const build = (change: Partial<Parameters<typeof buildHostReport>[0]> = {}) => {
  const marks = [quiet, busy].map((id) => ({ instance_id: id, role: 'home', epoch: 4 }));
  return buildHostReport({
    host: hostName('compute1'),
    address: '127.0.1.1',
    agent_version: '0.1.0',
    hypervisor: {
      inventory: () =>
        Promise.resolve({ inventory: { vcpus: 4, memory_mb: 8, local_gb: 16, disk_available_bytes: 32 } }),
      list: () => Promise.resolve([quiet, busy, stranger].map((id) => ({ id, power_state: 4 }))),
    } as unknown as Hypervisor,
    folders: { known: () => marks } as unknown as InstanceFolders,
    settings: {
      reserved_host_cpus: 0,
      reserved_host_memory_mb: 0,
      reserved_host_disk_mb: 0,
      cpu_allocation_ratio: null,
      ram_allocation_ratio: null,
      disk_allocation_ratio: null,
    },
    isBusy: (id) => id === busy,
    ...change,
  });
};

it('reports the guests at home, but not one that a command is at', async () => {
  expect((await build()).guests).toEqual([{ instance_id: quiet, epoch: 4, power_state: 4 }]);
});

it('reports a volume group as the disk of a host that keeps its disks in it', async () => {
  const figures = { size_bytes: 3 * 1024 ** 3 - 1, free_bytes: 5 };
  const { inventory } = await build({ volumeGroup: () => Promise.resolve(figures) });
  expect(inventory).toEqual({ vcpus: 4, memory_mb: 8, local_gb: 2, disk_available_bytes: 5 });
  const of_files = await build({ volumeGroup: () => Promise.resolve(null) });
  expect(of_files.inventory).toMatchObject({ local_gb: 16, disk_available_bytes: 32 });
});
