import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { ImageSource } from '../../../../shared/domain/instance-spec.ts';
import { sampleImage } from '../../../unit/compute-agent/samples.ts';

export const MEBIBYTE = 1024 ** 2;
const TICKET = '123.abc';
/** Of a host whose new disks are overlays. */
export const COW = { use_cow_images: true, force_raw_images: false };
export const asker = { signal: new AbortController().signal, atWork: () => undefined };

let server: Server;
export const files = new Map<string, Buffer>();
/** Where hosts of the running test lie. */
export let folder: string;
/** Paths, in the order in which they were asked for. */
export let asked: string[] = [];
/** Answers that are given piece by piece, by the test. */
export let slow: ServerResponse[] = [];
export let raw: ImageSource;
export let qcow2: ImageSource;

/** An image service for the tests of this file, with an image of either format, and a new folder for each test. */
export function useImageService(): void {
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const content = files.get(request.url ?? '');
      if (request.headers['x-drover-image-ticket'] !== TICKET) response.writeHead(403).end();
      else if (request.url === '/slow') {
        slow.push(response);
        response.writeHead(200).write('first');
      } else if (content === undefined) response.writeHead(404).end();
      else response.writeHead(200).end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bytes = Buffer.alloc(4 * MEBIBYTE);
    bytes.fill('boot', 0, 4096);
    bytes.fill('data', 2 * MEBIBYTE, 2 * MEBIBYTE + 4096);
    raw = offer('/raw', bytes, 'raw');
    const work = mkdtempSync(join(tmpdir(), 'drover-image-'));
    const path = join(work, 'image');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '4M']);
    qcow2 = offer('/qcow2', readFileSync(path), 'qcow2');
    rmSync(work, { recursive: true });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drover-images-'));
    asked = [];
    slow = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

export function offer(path: string, content: Buffer, disk_format: 'raw' | 'qcow2'): ImageSource {
  files.set(path, content);
  const { port } = server.address() as AddressInfo;
  return sampleImage({
    url: `http://127.0.0.1:${port}${path}`,
    ticket: TICKET,
    disk_format,
    size_bytes: content.length,
    sha512: createHash('sha512').update(content).digest('hex'),
  });
}
