import { expect, test } from 'vitest';
import { prepareBytes } from '../../../services/compute-agent/commands/prepare-cost.ts';
import type { Conversion } from '../../../services/compute-agent/folders/mark.ts';
import type { DiskDescription } from '../../../shared/messaging/commands.ts';

const disk: DiskDescription = {
  name: 'disk',
  format: 'raw',
  virtual_size_bytes: 1000,
  file_size_bytes: 1000,
  allocated_bytes: 100,
  backing: null,
};
const volume = { group: 'instances', name: 'a_disk', size_bytes: 4000 };

test.each<[string, readonly Conversion[], number]>([
  ['nothing to do', [], 0],
  ['another format: read, written, and both compared', [{ name: 'disk', format: 'qcow2' }], 400],
  ['a volume: all of it is written and read, zeros too', [{ name: 'disk', format: 'raw', volume }], 8200],
])('%s', (_, conversions, expected) => {
  expect(prepareBytes([disk], conversions, [])).toBe(expected);
});

test('what is taken into the cache is read once more', () => {
  expect(prepareBytes([], [], [disk])).toBe(1000);
});
