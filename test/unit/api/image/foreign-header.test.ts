import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inspectDisk } from '../../../../services/api/image/disk-header.ts';
import { imageFormats } from '../../../../shared/domain/instance-spec.ts';

function vmdk(descriptor: string, capacity_sectors = 2048n): Buffer {
  const header = Buffer.alloc(4096);
  header.write('KDMV', 0, 'latin1');
  header.writeBigUInt64LE(capacity_sectors, 12);
  header.write(descriptor, 512, 'latin1');
  return header;
}

function vhd(type: number, size_bytes = 1024n ** 3n): Buffer {
  const header = Buffer.alloc(1536);
  header.write('conectix', 0, 'latin1');
  header.writeBigUInt64BE(size_bytes, 48);
  header.writeUInt32BE(type, 60);
  return header;
}

const stream = '# Disk DescriptorFile\ncreateType="streamOptimized"\n';

describe('images of other products', () => {
  test.each([
    ['vmdk', vmdk(stream), 1024 ** 2],
    ['vhd', vhd(3), 1024 ** 3],
    ['vhdx', Buffer.from('vhdxfile and more'), null],
  ] as const)('%s says how large its disk is, where it does', (format, header, virtual_size_bytes) => {
    expect(inspectDisk(format, header, header.length)).toEqual({ virtual_size_bytes });
  });

  test.each([
    ['a descriptor alone', 'vmdk', Buffer.from(stream.padEnd(600)), /no vmdk in one file/],
    ['a vmdk in pieces', 'vmdk', vmdk('createType="twoGbMaxExtentSparse"'), /twoGbMaxExtentSparse/],
    [
      'a vmdk on another',
      'vmdk',
      vmdk(`${stream}parentFileNameHint="/etc/passwd"`),
      /stands on another file/,
    ],
    ['a vmdk without bounds', 'vmdk', vmdk(stream, 2n ** 63n), /out of bounds/],
    ['a vhd on another', 'vhd', vhd(4), /of type 4/],
    ['a fixed vhd', 'vhd', vhd(2), /of type 2/],
    ['raw bytes', 'vhd', Buffer.alloc(1024), /no dynamic vhd/],
    ['raw bytes', 'vhdx', Buffer.alloc(1024), /no vhdx/],
  ] as const)('%s as %s is refused', (_, format, header, reason) => {
    expect(inspectDisk(format, header, header.length)).toMatchObject({
      refused: expect.stringMatching(reason) as unknown,
    });
  });

  test('no bytes crash it', () => {
    const magic = fc.constantFrom('KDMV', 'conectix', 'vhdxfile', 'QFI\xfb', '');
    fc.assert(
      fc.property(
        fc.constantFrom(...imageFormats),
        magic,
        fc.uint8Array({ maxLength: 1200 }),
        (format, word, rest) => {
          const header = Buffer.concat([Buffer.from(word, 'latin1'), rest]);
          const found = inspectDisk(format, header, header.length);
          expect('refused' in found || 'virtual_size_bytes' in found).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
