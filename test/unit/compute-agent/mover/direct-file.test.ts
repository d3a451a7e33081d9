import { constants, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { alignedMemory, openDirect } from '../../../../services/compute-agent/mover/disks/direct-file.ts';

const MEBIBYTE = 2 ** 20;

test('memory for a disk that begins with a hole can take what lies behind it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'drover-direct-'));
  const path = join(root, 'disk');
  writeFileSync(path, '');
  truncateSync(path, 4 * MEBIBYTE);
  const writing = await open(path, constants.O_RDWR);
  const { handle } = await openDirect(path);
  try {
    await writing.write(Buffer.alloc(2 * MEBIBYTE, 7), 0, 2 * MEBIBYTE, 2 * MEBIBYTE);
    await writing.datasync();
    // Memory that was used and let go is what the next is often made of.
    for (let time = 0; time < 20; time += 1) {
      const memory = await alignedMemory(handle, 2 * MEBIBYTE);
      if (memory === null) throw new Error('none is taken');
      const { bytesRead } = await handle.read(memory, 0, memory.length, 2 * MEBIBYTE);
      expect(bytesRead).toBe(2 * MEBIBYTE);
      expect(memory.equals(Buffer.alloc(2 * MEBIBYTE, 7))).toBe(true);
    }
  } finally {
    await Promise.all([writing.close(), handle.close()]);
    rmSync(root, { recursive: true });
  }
});
