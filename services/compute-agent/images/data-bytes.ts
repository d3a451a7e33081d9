import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { HostName } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Asker } from './shared-work.ts';

const run = promisify(execFile);

/**
 * Bytes that a qcow2 image takes when it is written as a sparse raw file, at most: its clusters with data, uncompressed, and
 * a little for tables that a raw file has not. Reads tables only, not the content.
 *
 * `qemu-img measure` for a raw target would answer the virtual size: most images are larger than what is in them.
 * @throws DroverError disk_tool_failed
 */
export async function dataBytes(path: string, host: HostName, asker: Asker): Promise<number> {
  const arguments_ = ['measure', '--output=json', '-f', 'qcow2', '-O', 'qcow2', path];
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
  try {
    const { stdout } = await run('qemu-img', arguments_, { env, signal: asker.signal });
    const { required } = JSON.parse(stdout) as { readonly required: number };
    return required;
  } catch (error) {
    asker.signal.throwIfAborted();
    throw new DroverError(
      'disk_tool_failed',
      {
        tool: 'qemu-img',
        host,
        reason: `measure: ${error instanceof Error ? error.message : String(error)}`,
      },
      { cause: error },
    );
  }
}
