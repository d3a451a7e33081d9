import { hostname, networkInterfaces } from 'node:os';
import { address, boolean, bytes, choice, duration, float, integer, path, string, url } from '../option.ts';
import { defineSection } from '../section.ts';

/** The first IPv4 address that is not loopback, as Nova finds it; loopback on a machine that has no other. */
function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find((one) => one.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
}

export const defaultSection = defineSection('DEFAULT', 'What all processes share, with the names of Nova.', {
  host: string({
    default: null,
    computed: { shown: "the machine's host name", compute: hostname },
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/,
    allowed: 'a host name (letters, digits, dot, hyphen, underscore; at most 255)',
    help: 'Name of this compute host. The name of the service, of its message queue and of its RabbitMQ user come from it.',
  }),
  my_ip: address({
    default: null,
    computed: { shown: 'the first IPv4 address that is not loopback', compute: firstAddress },
    help: 'Address of this host that other hosts reach its sshd at. Disks travel between these addresses.',
  }),
  state_path: path({
    default: '/var/lib/drover',
    help: 'Folder of what this process must remember over a restart.',
  }),
  instances_path: path({
    default: '$state_path/instances',
    help: 'Folder with one folder per instance. Must be the same on all hosts.',
  }),
  transport_url: url({
    default: 'rabbit://guest:guest@127.0.0.1:5672/',
    schemes: ['rabbit', 'amqp', 'amqps', 'rabbits'],
    secret: true,
    help: 'The message broker: rabbit://user:password@host:5672/vhost; several brokers of one cluster with commas: rabbit://u:p@h1:5672,u:p@h2:5672/vhost.',
  }),
  report_interval: duration({
    default: 10,
    minimum: 0.1,
    maximum: 3600,
    help: 'Pause between two reports of a host.',
  }),
  service_down_time: duration({
    default: 60,
    minimum: 0.2,
    help: 'A service that has not reported for longer counts as down. Raised to 2.5 times report_interval when it is not larger.',
  }),
  resize_confirm_window: duration({
    default: 0,
    minimum: 0,
    help: 'After this time in VERIFY_RESIZE a migration is confirmed by itself. 0: never.',
  }),
  shutdown_timeout: duration({
    default: 60,
    minimum: 0,
    help: 'Time a guest has to shut down gracefully before it is powered off. The image property os_shutdown_timeout wins.',
  }),
  allow_resize_to_same_host: boolean({
    default: false,
    help: 'A resize (never a cold migration) may choose the host that the server is on.',
  }),
  cpu_allocation_ratio: float({
    default: null,
    minimum: 0,
    help: 'Virtual CPUs per physical CPU. Unset: initial_cpu_allocation_ratio counts when the host is first registered.',
  }),
  ram_allocation_ratio: float({
    default: null,
    minimum: 0,
    help: 'Virtual memory per physical memory. Unset: initial_ram_allocation_ratio counts when the host is first registered.',
  }),
  disk_allocation_ratio: float({
    default: null,
    minimum: 0,
    help: 'Virtual disk per physical disk. Unset: initial_disk_allocation_ratio counts when the host is first registered.',
  }),
  initial_cpu_allocation_ratio: float({
    default: 16,
    minimum: 0,
    help: 'CPU ratio of a host that is registered for the first time.',
  }),
  initial_ram_allocation_ratio: float({
    default: 1.5,
    minimum: 0,
    help: 'Memory ratio of a host that is registered for the first time.',
  }),
  initial_disk_allocation_ratio: float({
    default: 1,
    minimum: 0,
    help: 'Disk ratio of a host that is registered for the first time.',
  }),
  reserved_host_cpus: integer({
    default: 0,
    minimum: 0,
    unit: 'CPUs',
    help: 'CPUs kept for the host itself.',
  }),
  reserved_host_memory_mb: integer({
    default: 512,
    minimum: 0,
    unit: 'MiB',
    help: 'Memory kept for the host itself.',
  }),
  reserved_host_disk_mb: integer({
    default: 0,
    minimum: 0,
    unit: 'MiB',
    help: 'Disk kept for the host itself; rounded up to whole GiB.',
  }),
  osapi_compute_listen: address({ default: '0.0.0.0', help: 'Address that the api listens on.' }),
  osapi_compute_listen_port: integer({
    default: 8774,
    minimum: 0,
    maximum: 65_535,
    help: 'Port that the api listens on. 0: a free one.',
  }),
  default_availability_zone: string({
    default: 'nova',
    help: 'Zone of hosts that no aggregate puts into another one.',
  }),
  internal_service_availability_zone: string({
    default: 'internal',
    help: 'Zone that the services other than compute are listed in.',
  }),
  compute_driver: choice({
    choices: ['fake.FakeDriver', 'libvirt.LibvirtDriver'],
    default: 'fake.FakeDriver',
    help: 'Hypervisor of this host. The fake one simulates guests and keeps real files as disks.',
  }),
  use_cow_images: boolean({
    default: true,
    help: 'Disks are qcow2 overlays on a cached image; otherwise raw copies of it.',
  }),
  force_raw_images: boolean({ default: true, help: 'Cached images are converted to raw.' }),
  debug: boolean({ default: false, help: 'Log in detail; wins over log_level.' }),
  log_level: choice({
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    default: 'info',
    help: 'The least important kind of line that is logged.',
  }),
  max_request_body_size: bytes({
    default: 114_688,
    minimum: 1024,
    help: 'Largest request body that the api reads, images excepted (oslo.middleware has the same default).',
  }),
});
