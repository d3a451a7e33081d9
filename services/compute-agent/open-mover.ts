import type { Configuration } from '../../shared/config/configuration.ts';
import { addressOf } from './host-identity.ts';
import { wallClock } from './mover/host-limit.ts';
import { createReceiverAdmission } from './mover/receiver-admission.ts';
import { createSenderSupervisor } from './mover/sender-supervisor.ts';
import type { Mover } from './run-agent.ts';

/** Both sides of the mover, as the configuration wants them. */
export function openMover(configuration: Configuration): Mover {
  const { DEFAULT, mover, libvirt } = configuration;
  const { state_path } = DEFAULT;
  return {
    sender: createSenderSupervisor({
      state_path,
      connections: mover.connections,
      host_limit: {
        bytes_per_second: mover.host_limit_bytes_per_second,
        timetable: mover.limits,
        wallTime: wallClock(mover.limits_time_zone),
      },
    }),
    receiver: createReceiverAdmission({
      state_path,
      authorized_keys_path: mover.authorized_keys_path,
      address: libvirt.migration_inbound_addr ?? addressOf(configuration),
      port: mover.ssh_port,
      user: mover.ssh_user,
      host_key_paths: mover.host_key_paths,
    }),
  };
}
