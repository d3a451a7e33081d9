import { createHash } from 'node:crypto';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { ImageSource } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { LeafReader, type ContentLeaves } from './content-leaves.ts';
import { sayingAtWork, type Asker } from './shared-work.ts';
import { SparseWriter } from './sparse-file.ts';

export interface DownloadOptions {
  readonly host: HostName;
  /** A service that sends no byte for this long is given up; there is no limit on the total time. */
  readonly silence_milliseconds_max: number;
}

/**
 * Fetches an image's bytes into a new file, zeros as holes, flushed.
 * @returns their leaves
 * @throws DroverError image_unreachable, image_refused, image_digest_mismatch; the file is then of no use
 */
export async function downloadImage(
  source: ImageSource,
  path: string,
  asker: Asker,
  options: DownloadOptions,
): Promise<ContentLeaves> {
  const { host } = options;
  const unreachable = (reason: string, cause?: unknown) =>
    new DroverError('image_unreachable', { image: source.id, host, reason }, { cause });
  const response = await ask(source, asker.signal, options.silence_milliseconds_max).catch((error: Error) => {
    throw unreachable(error.message, error);
  });
  if (response.statusCode !== 200) {
    response.destroy();
    throw new DroverError('image_refused', { image: source.id, host, status: response.statusCode ?? 0 });
  }
  const digest = createHash('sha512');
  const leaves = new LeafReader();
  const writer = await SparseWriter.create(path);
  try {
    const blocks = response[Symbol.asyncIterator]();
    for (;;) {
      const next = await blocks.next().catch((error: Error) => {
        throw unreachable(error.message, error);
      });
      if (next.done === true) break;
      asker.signal.throwIfAborted();
      asker.atWork();
      const block = next.value as Buffer;
      digest.update(block);
      leaves.update(block);
      await writer.write(block);
    }
    const found = digest.digest('hex');
    if (found !== source.sha512)
      throw new DroverError('image_digest_mismatch', {
        image: source.id,
        host,
        found,
        expected: source.sha512,
      });
    await sayingAtWork(asker, writer.finish());
    return leaves.end();
  } finally {
    response.destroy();
    await writer.close();
  }
}

/** Not `fetch`: it would load a second HTTP client for the one request that an agent ever makes. */
function ask(
  source: ImageSource,
  signal: AbortSignal,
  silence_milliseconds_max: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = source.url.startsWith('https:') ? requestHttps : requestHttp;
    let answer: IncomingMessage | null = null;
    const headers = { 'X-Drover-Image-Ticket': source.ticket };
    const outgoing = request(source.url, { headers, signal }, (response) => {
      answer = response;
      resolve(response);
    });
    // Of the socket, so it counts in the middle of the body, too.
    outgoing.setTimeout(silence_milliseconds_max, () => {
      const silence = new Error(`no byte came for ${silence_milliseconds_max / 1000} s`);
      answer?.destroy(silence);
      outgoing.destroy(silence);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
