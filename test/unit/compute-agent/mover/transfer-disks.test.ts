import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Transfer } from '../../../../services/compute-agent/mover/mover.ts';
import { TransferDisks } from '../../../../services/compute-agent/mover/sender/transfer-disks.ts';
import { WaitedFor } from '../../../../services/compute-agent/mover/sender/waited-for.ts';

test('disks that are slow to say where they have data are taken as they are, and each is heard of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-transfer-disks-'));
  // One that would not answer by itself.
  const tool = join(folder, 'qemu-img');
  writeFileSync(tool, '#!/bin/sh\nexec sleep 600\n');
  chmodSync(tool, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
  const names = ['disk.1', 'disk.2', 'disk.3'];
  for (const name of names) {
    writeFileSync(join(folder, name), '');
    truncateSync(join(folder, name), 64 * 1024 * 1024);
  }
  // What a transfer's disks need of it.
  const transfer = {
    folder,
    disks: names.map((name) => ({ name })),
    stall_timeout_seconds: 0.2,
  } as unknown as Transfer;
  let heard = 0;
  const disks = new TransferDisks(transfer, new WaitedFor(), () => (heard += 1));
  try {
    await disks.prepare();
    // Opened, and asked.
    expect(heard).toBe(2 * names.length);
    expect(disks.all.map((disk) => disk.mayHaveData(0))).toEqual([true, true, true]);
    disks.noteChanged({});
    await disks.prepare();
    expect(heard).toBe(3 * names.length);
  } finally {
    await disks.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});
