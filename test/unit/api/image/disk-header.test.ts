import { describe, expect, test } from 'vitest';
import { inspectDisk } from '../../../../services/api/image/disk-header.ts';
import { qcow2Header } from './qcow2-header.ts';

describe('inspectDisk', () => {
  test('a raw disk is as large as its file', () => {
    expect(inspectDisk('raw', Buffer.from('abc'), 3)).toEqual({ virtual_size_bytes: 3 });
    expect(inspectDisk('raw', Buffer.alloc(0), 0)).toEqual({ virtual_size_bytes: 0 });
  });

  test.each([2, 3] as const)('a qcow2 of version %s says how large its disk is', (version) => {
    const header = qcow2Header({ version, virtual_size: 5_368_709_120n });
    expect(inspectDisk('qcow2', header, header.length)).toEqual({ virtual_size_bytes: 5_368_709_120 });
  });

  test.each([
    ['a backing file', 'qcow2', qcow2Header({ backing_file: true }), 'it has a backing file'],
    [
      'a backing file in version 2',
      'qcow2',
      qcow2Header({ version: 2, backing_file: true }),
      'it has a backing file',
    ],
    ['an external data file', 'qcow2', qcow2Header({ external_data: true }), 'it has an external data file'],
    [
      'a data file named in an extension',
      'qcow2',
      qcow2Header({ data_file_extension: true }),
      'it has an external data file',
    ],
    ['an unknown version', 'qcow2', qcow2Header({ version: 9 }), 'its qcow2 version 9 is unknown'],
    [
      'a size beyond all bounds',
      'qcow2',
      qcow2Header({ virtual_size: 2n ** 63n }),
      'its virtual size is out of bounds',
    ],
    ['a cut off header', 'qcow2', qcow2Header({}).subarray(0, 90), 'its header is cut off'],
    ['a tiny file', 'qcow2', qcow2Header({}).subarray(0, 8), 'it is no qcow2'],
    ['another file', 'qcow2', Buffer.alloc(512), 'it is no qcow2'],
    ['a qcow2 that calls itself raw', 'raw', qcow2Header({}), 'it is a qcow2, not raw'],
  ] as const)('refuses %s', (_what, format, header, reason) => {
    expect(inspectDisk(format, header, header.length)).toEqual({ refused: reason });
  });

  test('an extension of absurd length ends the search', () => {
    const header = qcow2Header({ data_file_extension: true });
    header.writeUInt32BE(0xffffffff, 108);
    expect(inspectDisk('qcow2', header, header.length)).toEqual({ virtual_size_bytes: 1_048_576 });
  });
});
