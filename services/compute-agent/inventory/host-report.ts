import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import type { HostReport } from '../../../shared/messaging/host-report.ts';
import type { InstanceFolders } from '../folders/instance-folders.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import type { GroupFigures } from '../volumes/logical-volumes.ts';

/** What the configuration says about the host, beside what its hypervisor finds. */
export interface ReportSettings {
  readonly reserved_host_cpus: number;
  readonly reserved_host_memory_mb: number;
  readonly reserved_host_disk_mb: number;
  readonly cpu_allocation_ratio: number | null;
  readonly ram_allocation_ratio: number | null;
  readonly disk_allocation_ratio: number | null;
}

const MEBIBYTES_PER_GIBIBYTE = 1024;
const GIBIBYTE = 1024 ** 3;

/**
 * Everything but the counters of the reporter. Guests are those that are at home here, with the epoch they have, and
 * that no command is at: one that has arrived and is not started yet would be reported as one that is off, and the
 * command's own answer tells more.
 */
export async function buildHostReport(options: {
  readonly host: HostName;
  readonly address: string;
  readonly agent_version: string;
  readonly hypervisor: Hypervisor;
  readonly folders: InstanceFolders;
  readonly settings: ReportSettings;
  readonly isBusy: (id: InstanceId) => boolean;
  /** Where disks lie, if not below the instances' folder: then this is the host's disk, as in Nova. */
  readonly volumeGroup?: () => Promise<Pick<GroupFigures, 'size_bytes' | 'free_bytes'> | null>;
}): Promise<Omit<HostReport, 'boot_id' | 'sequence'>> {
  const { settings } = options;
  const found = await options.hypervisor.inventory();
  const group = (await options.volumeGroup?.()) ?? null;
  const guests = await options.hypervisor.list();
  const homes = new Map(
    options.folders
      .known('home')
      .filter((mark) => mark.role === 'home')
      .map((mark) => [mark.instance_id, mark]),
  );
  return {
    ...found,
    ...(group === null
      ? {}
      : {
          inventory: {
            ...found.inventory,
            local_gb: Math.floor(group.size_bytes / GIBIBYTE),
            disk_available_bytes: group.free_bytes,
          },
        }),
    host: options.host,
    address: options.address,
    agent_version: options.agent_version,
    reserved: {
      vcpus: settings.reserved_host_cpus,
      memory_mb: settings.reserved_host_memory_mb,
      disk_gb: Math.ceil(settings.reserved_host_disk_mb / MEBIBYTES_PER_GIBIBYTE),
    },
    allocation_ratios: {
      vcpu: settings.cpu_allocation_ratio,
      memory_mb: settings.ram_allocation_ratio,
      disk_gb: settings.disk_allocation_ratio,
    },
    guests: guests.flatMap(({ id, power_state }) => {
      const mark = homes.get(id);
      // A guest that is defined without our folder is not ours.
      return mark === undefined || options.isBusy(id)
        ? []
        : [{ instance_id: id, epoch: mark.epoch, power_state }];
    }),
  };
}
