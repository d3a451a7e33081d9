import { bytes, duration, integer, multi } from '../option.ts';
import { defineSection } from '../section.ts';

export const fakeSection = defineSection(
  'fake',
  'Hosts with compute_driver = fake.FakeDriver: size, and how to misbehave.',
  {
    vcpus: integer({ default: 64, minimum: 1, help: 'CPUs that the host reports.' }),
    memory_mb: integer({ default: 131_072, minimum: 1, unit: 'MiB', help: 'Memory that the host reports.' }),
    local_gb: integer({ default: 1000, minimum: 1, unit: 'GiB', help: 'Disk that the host reports.' }),
    guest_write_rate: bytes({
      default: 0,
      minimum: 0,
      unit: 'bytes per second',
      help: 'How fast running guests write to their disks.',
    }),
    stop_delay_seconds: duration({ default: 0, minimum: 0, help: 'How long a guest takes to shut down.' }),
    delay: multi({ default: [], help: 'Makes commands slow: command=seconds, for example adopt=2.' }),
    fail: multi({
      default: [],
      help: 'Makes commands fail: command, or command=how often, for example adopt=1.',
    }),
    hang: multi({ default: [], help: 'Makes commands never end: command, or command=how often.' }),
    lose_reply: multi({
      default: [],
      help: 'Does the work and says nothing: command, or command=how often.',
    }),
  },
);
