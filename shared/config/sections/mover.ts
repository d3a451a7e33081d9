import { bytes, choice, duration, integer, multi, path, string } from '../option.ts';
import { defineSection } from '../section.ts';

export const moverSection = defineSection('mover', 'How disks travel between hosts.', {
  stall_timeout_seconds: duration({
    default: 60,
    minimum: 1,
    help: 'A copy that makes no progress for this long is dead. There is no limit on its total time.',
  }),
  limit_bytes_per_second: bytes({
    default: 0,
    minimum: 0,
    unit: 'bytes per second',
    help: 'Limit of one migration. 0: none. Can be changed while it runs.',
  }),
  host_limit_bytes_per_second: bytes({
    default: 0,
    minimum: 0,
    unit: 'bytes per second',
    help: 'Limit of all migrations that leave one host together. 0: none.',
  }),
  max_concurrent_transfers_per_host: integer({
    default: 0,
    minimum: 0,
    help: 'Copies that one host sends at the same time; more wait. 0: no limit.',
  }),
  key_lifetime_seconds: duration({
    default: 86_400,
    minimum: 60,
    help: "How long the target admits a migration's key.",
  }),
  ssh_port: integer({ default: 22, minimum: 1, maximum: 65_535, help: "Port of this host's sshd." }),
  ssh_user: string({
    default: 'root',
    pattern: /^[a-z_][a-z0-9_-]{0,31}$/,
    allowed: 'a user name',
    help: 'User that the receiver runs as: the mover logs in as this one.',
  }),
  authorized_keys_path: path({
    default: '$state_path/authorized_keys',
    help: "File that this host's sshd reads admitted keys from. Nothing else may write it.",
  }),
  host_key_paths: multi({
    default: ['/etc/ssh/ssh_host_ed25519_key.pub'],
    help: "Public host keys of this host's sshd. The source accepts no other.",
  }),
  default_mode: choice({
    choices: ['cold', 'warm'],
    default: 'cold',
    help: 'cold: the guest is off while its disks are copied. warm: it runs during all rounds but the last.',
  }),
  downtime_budget_seconds: duration({
    default: 5,
    minimum: 0,
    help: 'warm: the guest is stopped when the predicted downtime fits.',
  }),
});
