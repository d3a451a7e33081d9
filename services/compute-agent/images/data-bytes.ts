import type { HostName } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { qemuImg } from './qemu-img.ts';
import type { Asker } from './shared-work.ts';

/**
 * Bytes that a qcow2 image takes when it is written as a sparse raw file, at most: its clusters with data, uncompressed, and
 * a little for tables that a raw file has not. Reads tables only, not the content.
 *
 * `qemu-img measure` for a raw target would answer the virtual size: most images are larger than what is in them.
 * @throws DroverError disk_tool_failed
 */
export async function dataBytes(path: string, host: HostName, { signal }: Asker): Promise<number> {
  const words = ['measure', '--output=json', '-f', 'qcow2', '-O', 'qcow2', '--', path];
  const { output } = await qemuImg(host, words, { signal });
  const { required } = JSON.parse(output) as { readonly required?: unknown };
  if (typeof required === 'number') return required;
  const reason = `measure: it did not say what ${path} needs`;
  throw new DroverError('disk_tool_failed', { tool: 'qemu-img', host, reason });
}
