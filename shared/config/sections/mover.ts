import { bytes, choice, duration, integer, multi, path, string } from '../option.ts';
import { defineSection } from '../section.ts';
import { timeZone, timetable } from '../timetable-option.ts';

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
    help: 'Limit of one migration that was asked for without one. 0: none. Can be changed while it runs.',
  }),
  host_limit_bytes_per_second: bytes({
    default: 0,
    minimum: 0,
    unit: 'bytes per second',
    help: 'Limit of all migrations that leave one host together, in equal shares. 0: none. Nothing limits what arrives at a host but its sources and max_transfers_per_target.',
  }),
  limits: timetable({
    help: 'Limits of all migrations that leave one host together, by day and time. Entries stand between semicolons; the first one that holds counts, and outside of all of them nothing is limited. A span may go over midnight (fri 22:00-06:00). The smaller of this and host_limit_bytes_per_second counts.',
  }),
  limits_time_zone: timeZone({
    help: "Whose time limits means. Unset: the host's own.",
  }),
  max_transfers_per_source: integer({
    default: 4,
    minimum: 0,
    help: 'Copies that leave one host at the same time; more wait, their guests running, by priority and then project by project. 0: no limit. Schedulers and api must have the same.',
  }),
  max_transfers_per_target: integer({
    default: 0,
    minimum: 0,
    help: 'Copies that arrive at one host at the same time. 0: no limit.',
  }),
  max_transfers: integer({
    default: 0,
    minimum: 0,
    help: 'Copies that run in the whole cluster at the same time. 0: no limit.',
  }),
  key_lifetime_seconds: duration({
    default: 86_400,
    minimum: 60,
    help: "How long the target admits a migration's key. One that is used is renewed when half of the time is over.",
  }),
  reserve_headroom_percent: integer({
    default: 10,
    minimum: 0,
    maximum: 100,
    unit: 'percent',
    help: 'What a target reserves for an arriving disk beside the bytes in use: this part of those that its guest has not used yet, but 64 MiB at least. A guest that writes more while it is moved stays where it is. 100: a disk that fills up on its way still fits. 0: hosts that promise more than they have.',
  }),
  connections: integer({
    default: 4,
    minimum: 1,
    maximum: 8,
    help: 'Connections of one copy, at most. A copy begins with one. While that is what it waits for, and there is much left to send, it tries another, keeps it when the copy is clearly faster with it, and gives it up when it is not, or not any more. One is enough where a round trip takes a millisecond; over longer ways each carries 2 MiB per round trip at most, and more of them carry more. Each is a process of sshd on the target, with a core of its own if there is one. 1: never more than one.',
  }),
  connections_min: integer({
    default: 1,
    minimum: 1,
    maximum: 8,
    help: 'Connections that a copy makes at once when there is much to send, and keeps, whether or not it is faster with them. The same as connections: always so many, where the way is known. No more than connections are made.',
  }),
  cpu_percent: integer({
    default: 100,
    minimum: 5,
    maximum: 6400,
    unit: 'percent',
    help: "What each mover process may take of its host's processors, in the mean; 100: one core. A copy has one on either host; what sshd, and qemu-img where a disk is converted, take is their own. More lets text that is packed for a fast line be packed by several cores.",
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
    help: 'How migrations are made that do not say it, those through Compute among them. cold: the guest is off while its disks are copied. warm: it runs during all rounds but the last.',
  }),
  downtime_budget_seconds: duration({
    default: 30,
    minimum: 0,
    help: 'warm: the guest is stopped when the time that it will be off is expected to fit, or gets no shorter by further rounds. The time that it takes to shut down is not known before and not in it.',
  }),
});
