import { expect, test } from 'vitest';
import { formatsOf } from '../../../services/cli/commands/image/extract.ts';

test.each([
  ['table', 'qcow2', 'table'],
  ['vmdk', 'vmdk', 'table'],
  ['vpc', 'vhd', 'table'],
  ['json', 'qcow2', 'json'],
  [['raw', 'json'], 'raw', 'json'],
  [['yaml', 'vhdx'], 'vhdx', 'yaml'],
])('--format %j says the format of the image and how to print', (given, disk_format, output) => {
  expect(formatsOf(given)).toEqual({ disk_format, output });
});
