import { execFile } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ImageContent } from './world.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;

/** Bytes that do not compress and are the same every time: the key stream of AES for a fixed key. */
function* sampleBytes(data_mib: number): Generator<Buffer> {
  const stream = createCipheriv('aes-256-ctr', Buffer.alloc(32, 'drover sample disk'), Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  for (let done = 0; done < data_mib; done += 1) yield stream.update(zeros);
}

/**
 * Writes an image's bytes to `file`, the same for the same content on every machine. A sample has data in
 * stretches of 1 MiB spread over the disk, holes between them, and one stretch of written zeros.
 */
export async function writeImageFile(
  file: string,
  content: ImageContent,
  disk_format: 'raw' | 'qcow2',
): Promise<void> {
  const raw = disk_format === 'raw' ? file : `${file}.raw`;
  const descriptor = openSync(raw, 'w', 0o600);
  try {
    if (content.kind === 'zeros') ftruncateSync(descriptor, content.size_bytes);
    else writeSample(descriptor, content.data_mib, content.virtual_mib);
  } finally {
    closeSync(descriptor);
  }
  if (disk_format === 'qcow2') await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, file]);
}

function writeSample(descriptor: number, data_mib: number, virtual_mib: number): void {
  ftruncateSync(descriptor, virtual_mib * MIB);
  let index = 0;
  for (const stretch of sampleBytes(data_mib)) {
    writeSync(descriptor, stretch, 0, stretch.length, Math.floor((index * virtual_mib) / data_mib) * MIB);
    index += 1;
  }
  if (virtual_mib > data_mib)
    writeSync(descriptor, Buffer.alloc(MIB / 2), 0, MIB / 2, (virtual_mib - 1) * MIB);
}
