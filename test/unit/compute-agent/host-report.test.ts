import { expect, it } from 'vitest';
import type { InstanceFolders } from '../../../services/compute-agent/folders/instance-folders.ts';
import type { Hypervisor } from '../../../services/compute-agent/hypervisor/hypervisor.ts';
import { buildHostReport } from '../../../services/compute-agent/inventory/host-report.ts';
import { hostName, instanceId } from '../../../shared/domain/ids.ts';

const quiet = instanceId('aaaaaaaa-0000-4000-8000-000000000001');
const busy = instanceId('aaaaaaaa-0000-4000-8000-000000000002');
const stranger = instanceId('aaaaaaaa-0000-4000-8000-000000000003');

it('reports the guests at home, but not one that a command is at', async () => {
  const marks = [quiet, busy].map((id) => ({ instance_id: id, role: 'home', epoch: 4 }));
  const report = await buildHostReport({
    host: hostName('compute1'),
    address: '127.0.1.1',
    agent_version: '0.1.0',
    hypervisor: {
      inventory: () => Promise.resolve({}),
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
  });
  expect(report.guests).toEqual([{ instance_id: quiet, epoch: 4, power_state: 4 }]);
});
