import { join } from 'node:path';
import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { chainOf, describeChain } from '../images/backing-chain.ts';
import { describeDisk } from '../images/describe-disk.ts';
import { extractDisk } from '../images/extracted-disk.ts';
import { defineCommand } from './definition.ts';
import { extractionFolder, progressOf } from './extraction.ts';
import { isRunning, requireHome } from './guest.ts';
import { ImageFormatName, Uuid } from './schemas.ts';

/** File formats have tables and headers of their own. */
const FORMAT_OVERHEAD_BYTES = 64 * 1024 ** 2;

/** The guest's disk as one file, in the format that was asked for; its guest goes on. */
export const extract = defineCommand({
  name: 'extract',
  arguments: Type.Object({ image_id: Uuid, disk_format: ImageFormatName }),
  async run(command, parts) {
    const { instance_id } = command;
    const { image_id, disk_format } = command.arguments;
    const home = await requireHome(instance_id, parts);
    const disk = home.disks.find(({ name }) => name === 'disk') ?? home.disks[0];
    if (disk === undefined)
      throw new DroverError('guest_state_unexpected', {
        instance: instance_id,
        host: parts.host,
        expected: 'a guest with a disk',
        found: 'without any',
      });
    const folder = parts.folders.folder(instance_id, 'home');
    const disk_path = join(folder, disk.name);
    const described = await describeDisk(folder, disk, parts.host);
    const files = disk.format === 'qcow2' ? await parts.images.chain(disk_path, command) : [];
    const below = chainOf(describeChain(files, null)).map((file) => file.allocated_bytes ?? file.size_bytes);
    const data_bytes = below.reduce((sum, bytes) => sum + bytes, described.allocated_bytes);
    const { virtual_size_bytes } = described;
    const was_running = await isRunning(instance_id, parts);
    // A running guest's disk is there twice for a while.
    const bytes =
      Math.min(data_bytes, virtual_size_bytes) +
      FORMAT_OVERHEAD_BYTES +
      (was_running ? described.allocated_bytes : 0);
    const progress = progressOf(virtual_size_bytes);
    let held_seconds = 0;
    const holdWrites = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      const began = performance.now();
      try {
        return await parts.hypervisor.holdingWrites(instance_id, work);
      } finally {
        held_seconds = (performance.now() - began) / 1000;
      }
    };
    const found = await parts.space.holding({ instance_id, purpose: 'an image', bytes }, () =>
      extractDisk(
        {
          folder: extractionFolder(command, image_id, parts),
          disk_path,
          format: disk.format,
          wanted: disk_format,
          ...(was_running ? { holdWrites } : {}),
          images: parts.images,
          host: parts.host,
          onPart: (part) => command.onProgress(progress(Math.round(part * virtual_size_bytes))),
        },
        command,
      ),
    );
    command.signal.throwIfAborted();
    return {
      summary:
        `${disk.name} is ${found.size_bytes} bytes of ${disk_format}` +
        (was_running ? `; the guest waited ${held_seconds.toFixed(3)} s to write` : ''),
      result: { ...found, held_seconds },
    };
  },
});
