import { integer } from '../option.ts';
import { defineSection } from '../section.ts';

const limit = (value: number, what: string) =>
  integer({ default: value, minimum: -1, help: `${what}. -1: no limit.` });

export const quotaSection = defineSection('quota', 'Limits of projects that have none of their own.', {
  instances: limit(10, 'Servers per project'),
  cores: limit(20, 'Virtual CPUs per project'),
  ram: integer({ default: 51_200, minimum: -1, unit: 'MiB', help: 'Memory per project. -1: no limit.' }),
  metadata_items: limit(128, 'Metadata items per server'),
  injected_files: limit(5, 'Files handed to a server at its creation'),
  injected_file_content_bytes: integer({
    default: 10_240,
    minimum: -1,
    unit: 'bytes',
    help: 'Size of such a file. -1: no limit.',
  }),
  injected_file_path_length: limit(255, 'Length of the path of such a file'),
  key_pairs: limit(100, 'Key pairs per user'),
  server_groups: limit(10, 'Server groups per project'),
  server_group_members: limit(10, 'Servers per server group'),
});
