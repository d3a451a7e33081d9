import type { ErrorEntry } from './registry.ts';

/** Errors of the mover area: code → HTTP status, message template, what to do next. */
export const moverErrors = {
  // OpenSSH's own sentence: scripts look for it in the migration's fault.
  mover_host_key_mismatch: {
    http_status: 500,
    message:
      'Host key verification failed. Expected of {address}:{port}: {expected}; offered: {offered}. Nothing was sent.',
    advice:
      "Compare with `ssh-keygen -lf` of the target's host keys. If the target was reinstalled, restart its agent; if not, somebody else answers at its address.",
  },
  mover_connection_lost: {
    http_status: 503,
    message:
      'The connection to the receiver at {address}:{port} failed and could not be made again: {reason}',
    advice: "Look at the target's sshd and agent, and at the network between the hosts; then migrate again.",
  },
  mover_refused: {
    http_status: 409,
    message: 'The receiver at {address}:{port} refused the transfer: {reason}',
    advice: 'The two agents do not agree about the migration: compare their versions, then migrate again.',
  },
  mover_stalled: {
    http_status: 504,
    message:
      'The copy made no progress for {seconds} seconds after {sent_bytes} bytes were sent: it waits for {what}.',
    advice: 'Look at the disks of both hosts and the network between them; then migrate again.',
  },
  mover_target_full: {
    http_status: 507,
    message: 'The target has no room left for disk {disk}: {reason}',
    advice: 'Free space on the target, or migrate to another host.',
  },
  mover_write_failed: {
    http_status: 500,
    message: 'The target could not write disk {disk}: {reason}',
    advice: "Look at the target's disks and mounts, or migrate to another host.",
  },
  mover_read_failed: {
    http_status: 500,
    message: 'Disk {disk} could not be read: {reason}',
    advice: 'Look at the disk and the mount that it lies on.',
  },
  mover_spill_failed: {
    http_status: 507,
    message: 'The mover on the {side} cannot keep what it knows of the disks: {reason}',
    advice:
      'Of large disks it keeps that in a file below state_path, at most 64 bytes for each MiB of disk: free space there, then migrate again.',
  },
  mover_digest_mismatch: {
    http_status: 500,
    message: 'Disk {disk} differs from what was sent: {reason}',
    advice:
      'The damaged parts were sent again once and were damaged again; the server stays at its source. Check memory and disks of both hosts, then migrate to another host.',
  },
  mover_process_stuck: {
    http_status: 500,
    message: 'The {what} process {pid} was killed and is still there after {seconds} seconds.',
    advice:
      'It hangs in the kernel: look at the disks and mounts of its host. It may still write, so nothing else is started in its place.',
  },
  mover_cancelled: {
    http_status: 409,
    message: 'The copy of migration {migration_id} was cancelled.',
    advice: 'Nothing to do.',
  },
} as const satisfies Record<string, ErrorEntry>;
