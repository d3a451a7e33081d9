import type { AgentOptions } from './agent-options.ts';
import type { HostParts } from './commands/definition.ts';
import { InstanceFolders } from './folders/instance-folders.ts';
import { SpaceLedger } from './folders/space-ledger.ts';
import { ImageCache } from './images/image-cache.ts';
import { TransferKeys } from './transfer-keys.ts';
import { HostVolumes } from './volumes/host-volumes.ts';
import { Lvm } from './volumes/lvm.ts';

const MEBIBYTE = 1024 ** 2;

/** What the commands of one host work with. Nothing is looked at yet. */
export function openHostParts(options: AgentOptions): HostParts {
  const { host, instances_path } = options;
  const folders: InstanceFolders = new InstanceFolders({
    instances_path,
    host,
    removeVolumes: (mark, readOthers) => volumes.removeWith(mark, readOthers),
  });
  const volumes = new HostVolumes({ host, folders, volumes: options.volumes ?? new Lvm({ host }) });
  return {
    host,
    address: options.address,
    hypervisor: options.hypervisor,
    folders,
    images: new ImageCache({ instances_path, host }),
    space: new SpaceLedger({
      folders,
      host,
      volumes,
      reserved_host_bytes: options.report.reserved_host_disk_mb * MEBIBYTE,
      ...(options.freeBytes === undefined ? {} : { freeBytes: options.freeBytes }),
    }),
    volumes,
    keys: new TransferKeys(),
    sender: options.sender,
    receiver: options.receiver,
    settings: options.settings,
  };
}
