import type { Configuration } from '../../shared/config/configuration.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { addressOf } from './host-identity.ts';
import { wallClock } from './mover/host-limit.ts';
import { createReceiverAdmission } from './mover/receiver-admission.ts';
import { createSenderSupervisor } from './mover/sender-supervisor.ts';
import type { StartFailure } from './mover/worker-pool.ts';
import type { Mover } from './run-agent.ts';

/** Both sides of the mover, as the configuration wants them. */
export function openMover(configuration: Configuration, log: Logger): Mover {
  const { DEFAULT, mover, libvirt } = configuration;
  const { state_path } = DEFAULT;
  const sayStartFailed =
    (side: 'sender' | 'receiver') =>
    (failure: StartFailure): void =>
      log.error(
        { side, ...failure },
        `the mover's ${side} process ended before it was ready; its own message is in this agent's stderr. Until one starts, no disk can be copied`,
      );
  return {
    sender: createSenderSupervisor({
      state_path,
      onStartFailed: sayStartFailed('sender'),
      onStuck: (error) =>
        log.warn(
          { error },
          'a sender that was killed is still there: it hangs in the kernel, on a disk or mount of this host. It only reads; the next copy gets another one',
        ),
      connections: mover.connections,
      connections_min: mover.connections_min,
      cpu_percent: mover.cpu_percent,
      host_limit: {
        bytes_per_second: mover.host_limit_bytes_per_second,
        timetable: mover.limits,
        wallTime: wallClock(mover.limits_time_zone),
      },
    }),
    receiver: createReceiverAdmission({
      state_path,
      onStartFailed: sayStartFailed('receiver'),
      cpu_percent: mover.cpu_percent,
      onStuck: (error) =>
        log.error(
          { error },
          'a receiver that failed reading disks again does not end: it hangs in the kernel, on a mount or disk that does not answer',
        ),
      onNotRenewed: (error) =>
        log.error(
          { error },
          'keys of copies that arrive were not renewed: a copy whose key ends cannot connect again. Look at [mover] authorized_keys_path and the state folder; it is tried again',
        ),
      onPipesUnreachable: (reason) =>
        log.warn(
          { reason },
          "the pipes of sshd's sessions cannot be opened by this agent's receivers: bytes that arrive take the slower way through a relay. Running the agent as [mover] ssh_user avoids that",
        ),
      authorized_keys_path: mover.authorized_keys_path,
      address: libvirt.migration_inbound_addr ?? addressOf(configuration),
      port: mover.ssh_port,
      user: mover.ssh_user,
      host_key_paths: mover.host_key_paths,
    }),
  };
}
