import { createReadStream } from 'node:fs';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { HostName } from '../../../shared/domain/ids.ts';
import { imageDigestHeader, imageTicketHeader } from '../../../shared/domain/image-ticket.ts';
import type { ImageUpload } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { ExtractedDisk } from './extracted-disk.ts';
import type { Asker } from './shared-work.ts';

export interface UploadOptions {
  readonly host: HostName;
  readonly silence_milliseconds_max: number;
  readonly onBytes: (sent_bytes: number) => void;
}

const ANSWER_CHARACTERS_MAX = 500;

/**
 * Puts a file into the image service, which checks the digest before the image becomes usable.
 * @throws DroverError image_unreachable, image_upload_refused
 */
export async function uploadImage(
  upload: ImageUpload,
  path: string,
  { sha512, size_bytes }: ExtractedDisk,
  asker: Asker,
  options: UploadOptions,
): Promise<void> {
  const { host, silence_milliseconds_max, onBytes } = options;
  let answer: { readonly status: number; readonly text: string };
  try {
    answer = await ask(upload, 'PUT', {
      signal: asker.signal,
      silence_milliseconds_max,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(size_bytes),
        [imageDigestHeader]: sha512,
      },
      body: async (outgoing) => {
        let sent_bytes = 0;
        await pipeline(
          createReadStream(path, { highWaterMark: 256 * 1024 }),
          async function* (blocks) {
            for await (const block of blocks as AsyncIterable<Buffer>) {
              yield block;
              sent_bytes += block.length;
              asker.atWork();
              onBytes(sent_bytes);
            }
          },
          outgoing,
          { signal: asker.signal },
        );
      },
    });
  } catch (error) {
    asker.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new DroverError('image_unreachable', { image: upload.id, host, reason }, { cause: error });
  }
  if (answer.status === 204) return;
  const { status, text } = answer;
  throw new DroverError('image_upload_refused', { image: upload.id, host, status, reason: text });
}

/** True when the image service holds exactly these bytes already: the answer to an upload was lost. */
export async function isUploaded(
  upload: ImageUpload,
  sha512: string,
  asker: Asker,
  silence_milliseconds_max: number,
): Promise<boolean> {
  const found = await ask(upload, 'GET', { signal: asker.signal, silence_milliseconds_max, headers: {} });
  return found.status === 200 && found.digest === sha512;
}

interface Asking {
  readonly signal: AbortSignal;
  readonly silence_milliseconds_max: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: (outgoing: ReturnType<typeof requestHttp>) => Promise<void>;
}

function ask(
  upload: ImageUpload,
  method: 'PUT' | 'GET',
  { signal, silence_milliseconds_max, headers, body }: Asking,
): Promise<{ readonly status: number; readonly text: string; readonly digest: string | null }> {
  return new Promise((resolve, reject) => {
    const request = upload.url.startsWith('https:') ? requestHttps : requestHttp;
    const all = { ...headers, [imageTicketHeader]: upload.ticket };
    const outgoing = request(upload.url, { method, headers: all, signal }, (response) => {
      void readAnswer(response, method).then(resolve, reject);
    });
    outgoing.setTimeout(silence_milliseconds_max, () =>
      outgoing.destroy(new Error(`no byte went for ${silence_milliseconds_max / 1000} s`)),
    );
    outgoing.on('error', reject);
    if (body === undefined) outgoing.end();
    // A service that refuses says so and hangs up in the middle: its answer is the reason, when there is one.
    else
      body(outgoing).catch((error: unknown) => setTimeout(() => reject(error as Error), ANSWER_MILLISECONDS));
  });
}

/** A refusal may still be on its way when the connection is closed under us. */
const ANSWER_MILLISECONDS = 200;

async function readAnswer(
  response: IncomingMessage,
  method: 'PUT' | 'GET',
): Promise<{ readonly status: number; readonly text: string; readonly digest: string | null }> {
  const digest = response.headers[imageDigestHeader];
  let text = '';
  // Of a GET only the head is wanted.
  if (method === 'GET') response.destroy();
  else
    for await (const block of response)
      if (text.length < ANSWER_CHARACTERS_MAX) text += String(block).slice(0, ANSWER_CHARACTERS_MAX);
  return { status: response.statusCode ?? 0, text, digest: typeof digest === 'string' ? digest : null };
}
