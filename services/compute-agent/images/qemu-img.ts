import { execFile } from 'node:child_process';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { DiskFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { sayingAtWork, type Asker } from './shared-work.ts';

const STDERR_CHARACTERS_MAX = 500;

/**
 * Makes an overlay on a backing file.
 * @param options.backing_file name as it will stand in the overlay, relative to the overlay's own folder
 */
export async function createOverlay(options: {
  readonly path: string;
  readonly backing_file: string;
  readonly backing_format: DiskFormat;
  readonly size_bytes: number;
  readonly host: HostName;
}): Promise<void> {
  await qemuImg(options.host, [
    'create',
    '-q',
    '-f',
    'qcow2',
    '-F',
    options.backing_format,
    '-b',
    options.backing_file,
    options.path,
    String(options.size_bytes),
  ]);
}

/** Writes an image as a sparse raw file. Ends qemu-img when the asker's signal is aborted. */
export async function convertToRaw(options: {
  readonly source: string;
  readonly source_format: DiskFormat;
  readonly target: string;
  readonly host: HostName;
  readonly asker: Asker;
}): Promise<void> {
  const formats = ['-f', options.source_format, '-O', 'raw'];
  const { host, source, target, asker } = options;
  await sayingAtWork(asker, qemuImg(host, ['convert', '-q', ...formats, source, target], asker.signal));
}

/** Makes a disk larger. Never called with a smaller size. */
export async function growQcow2(path: string, size_bytes: number, host: HostName): Promise<void> {
  await qemuImg(host, ['resize', '-q', '-f', 'qcow2', path, String(size_bytes)]);
}

function qemuImg(host: HostName, arguments_: readonly string[], signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(
      'qemu-img',
      [...arguments_],
      { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' }, ...(signal === undefined ? {} : { signal }) },
      (error, _, stderr) => {
        if (error === null) return resolve();
        const found = stderr.trim() === '' ? error.message : stderr.trim();
        const reason = `${arguments_[0]}: ${found.slice(0, STDERR_CHARACTERS_MAX)}`;
        reject(new DroverError('disk_tool_failed', { tool: 'qemu-img', host, reason }, { cause: error }));
      },
    );
  });
}
