import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseQcow2Header, withBackingFile } from '../../../services/compute-agent/images/qcow2-header.ts';

const CLUSTER_BYTES = 65_536;

/** What QEMU writes for an overlay: version 3, the format of the backing file, its name behind that. */
function overlay(name: string, format = 'raw'): Buffer {
  const cluster = Buffer.alloc(CLUSTER_BYTES);
  cluster.writeUInt32BE(0x514649fb, 0);
  cluster.writeUInt32BE(3, 4);
  cluster.writeUInt32BE(16, 20);
  cluster.writeBigUInt64BE(1n << 30n, 24);
  cluster.writeUInt32BE(104, 100);
  cluster.writeUInt32BE(0xe2792aca, 104);
  cluster.writeUInt32BE(format.length, 108);
  cluster.write(format, 112, 'latin1');
  const at = 112 + Math.ceil(format.length / 8) * 8 + 8;
  cluster.writeBigUInt64BE(BigInt(at), 8);
  cluster.writeUInt32BE(name.length, 16);
  cluster.write(name, at, 'latin1');
  return cluster;
}

/** No input may do more than be refused. */
const refused = (error: unknown) => {
  if (!(error instanceof RangeError)) throw error;
};

test('no bytes crash the parser', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, with_magic) => {
      const start = Buffer.from(bytes);
      if (with_magic && start.length >= 4) start.writeUInt32BE(0x514649fb, 0);
      try {
        const header = parseQcow2Header(start);
        if (!with_magic && start.readUInt32BE?.(0) !== 0x514649fb) expect(header).toBeNull();
      } catch (error) {
        if (start.length >= 4) refused(error);
      }
    }),
    { numRuns: 500 },
  );
});

test('no damage to a header crashes the parser, or lets a name lie outside it', () => {
  const damage = fc.array(fc.tuple(fc.nat({ max: 140 }), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(damage, fc.integer({ min: 72, max: CLUSTER_BYTES }), (changes, length) => {
      const start = overlay('../_base/x').subarray(0, length);
      for (const [at, byte] of changes) if (at < start.length) start[at] = byte;
      try {
        const header = parseQcow2Header(start);
        expect(header?.backing_file?.length ?? 0).toBeLessThanOrEqual(1023);
        expect(header?.virtual_size_bytes ?? 0).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
        withBackingFile(start, 'a'.repeat(128));
      } catch (error) {
        refused(error);
      }
    }),
    { numRuns: 1000 },
  );
});

test('a name that is written is the name that is read, and nothing else changes but its place', () => {
  const name = fc.string({ minLength: 1, maxLength: 1023, unit: fc.constantFrom('a', '/', '.', '9') });
  fc.assert(
    fc.property(name, name, (old, fresh) => {
      const start = overlay(old, 'qcow2');
      const changed = withBackingFile(start, fresh);
      const header = parseQcow2Header(changed);
      expect(header).toMatchObject({ backing_file: fresh, backing_formats: ['qcow2'] });
      // The digest of a chain's file rests on this: what it was called before leaves no trace.
      expect(changed.equals(overlay(fresh, 'qcow2'))).toBe(true);
    }),
  );
});

test('a name with something behind it is not lengthened over it', () => {
  const start = overlay('short');
  start.write('mine', 112 + 8 + 8 + 20, 'latin1');
  expect(() => withBackingFile(start, 'a'.repeat(128))).toThrow(/does not fit/);
  expect(() => withBackingFile(start, 'tiny')).not.toThrow();
});
