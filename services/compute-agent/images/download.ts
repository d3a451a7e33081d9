import { createHash } from 'node:crypto';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { ImageSource } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { SparseWriter } from './sparse-file.ts';

/** A service that says nothing for this long is given up; there is no limit on the total time. */
const SILENCE_MILLISECONDS_MAX = 60_000;

/**
 * Fetches an image's bytes into a new file, zeros as holes, flushed.
 * @throws DroverError image_unreachable, image_refused, image_digest_mismatch; the file is then of no use
 */
export async function downloadImage(source: ImageSource, path: string, host: HostName): Promise<void> {
  const unreachable = (reason: string, cause?: unknown) =>
    new DroverError('image_unreachable', { image: source.id, host, reason }, { cause });
  const response = await ask(source).catch((error: Error) => {
    throw unreachable(error.message, error);
  });
  if (response.statusCode !== 200) {
    response.destroy();
    throw new DroverError('image_refused', { image: source.id, host, status: response.statusCode ?? 0 });
  }
  const digest = createHash('sha512');
  const writer = await SparseWriter.create(path);
  try {
    const blocks = response[Symbol.asyncIterator]();
    for (;;) {
      const next = await blocks.next().catch((error: Error) => {
        throw unreachable(error.message, error);
      });
      if (next.done === true) break;
      const block = next.value as Buffer;
      digest.update(block);
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
    await writer.finish();
  } finally {
    response.destroy();
    await writer.close();
  }
}

/** Not `fetch`: it would load a second HTTP client for the one request that an agent ever makes. */
function ask(source: ImageSource): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = source.url.startsWith('https:') ? requestHttps : requestHttp;
    const outgoing = request(source.url, { headers: { 'X-Drover-Image-Ticket': source.ticket } }, resolve);
    outgoing.setTimeout(SILENCE_MILLISECONDS_MAX, () =>
      outgoing.destroy(new Error(`no byte came for ${SILENCE_MILLISECONDS_MAX / 1000} s`)),
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
