import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { inTransaction, type Pool } from '../../../shared/database/connect.ts';
import { readImageTicketKey } from '../../../shared/database/secrets.ts';
import {
  imageDigestHeader,
  imageTicketHeader,
  verifyImageTicket,
} from '../../../shared/domain/image-ticket.ts';
import type { ImageFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { authenticate, type TokenAuthority } from '../http/authenticate.ts';
import type { Caller } from '../request-context.ts';
import type { ApiServices } from '../services.ts';
import { showUpload } from './abandoned-uploads.ts';
import { readImage, requireImage, requireOwner, type ImageRow } from './image-row.ts';
import { lockImage, lockKnownImage } from './image-write.ts';
import { openImage, removeImage, storeImage, type StoredImage, type StoreSettings } from './store.ts';

interface ImagePath {
  readonly Params: { readonly id: string };
}

/** PUT and GET /v2/images/{id}/file. Bytes pass through in pieces; nothing is held in memory. */
export function registerImageData(
  app: FastifyInstance,
  { pool, configuration, log }: ApiServices,
  authority: TokenAuthority,
): void {
  const settings: StoreSettings = configuration.image;
  let ticketKey: Promise<Buffer> | null = null;

  // The shared reader would hold the body in memory; here the route gets the stream itself.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.addContentTypeParser('*', (_request, _payload, done) => {
    done(new DroverError('unsupported_content_type'));
  });

  /** An unknown image and a wrong ticket look the same: a ticket holder learns nothing of other images. */
  const ticketed = async (id: string, ticket: string): Promise<ImageRow> => {
    const image = await readImage(pool, id);
    ticketKey ??= readImageTicketKey(pool).catch((error: unknown) => {
      ticketKey = null;
      throw error;
    });
    const now_seconds = Math.floor(Date.now() / 1000);
    if (image === null || !verifyImageTicket(await ticketKey, image.id, ticket, now_seconds))
      throw new DroverError('unauthenticated');
    return image;
  };

  app.put<ImagePath>('/v2/images/:id/file', { config: { public: true } }, async (request, reply) => {
    const { id } = request.params;
    const ticket = request.headers[imageTicketHeader];
    const may: MayUpload =
      typeof ticket === 'string'
        ? { image: await ticketed(id, ticket) }
        : { caller: await authenticate(request, authority) };
    const source = request.body as Readable | undefined;
    if (source === undefined)
      throw new DroverError('image_invalid', { message: 'No image data was provided.' });
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > settings.max_size_bytes)
      throw new DroverError('image_too_large', { bytes: settings.max_size_bytes });
    const digest = request.headers[imageDigestHeader];
    const sha512 = typeof digest === 'string' ? digest : null;
    await upload({ pool, log, settings }, may, { id, sha512 }, source);
    return reply.code(204).send();
  });

  app.get<ImagePath>('/v2/images/:id/file', { config: { public: true } }, async (request, reply) => {
    const ticket = request.headers[imageTicketHeader];
    if (typeof ticket !== 'string') {
      const caller = await authenticate(request, authority);
      return send(request, reply, settings, await requireImage(pool, caller, request.params.id));
    }
    return send(request, reply, settings, await ticketed(request.params.id, ticket));
  });
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  settings: StoreSettings,
  image: ImageRow,
): Promise<FastifyReply> {
  // As Glance: an image without data is no error.
  if (image.status !== 'active') return reply.code(204).send();
  const data = await openImage(settings, image.id);
  if (data === null) {
    request.log.error(
      { image_id: image.id, store_path: settings.store_path },
      'the data of an image is gone',
    );
    throw new DroverError('image_not_found', { id: image.id });
  }
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-length', data.size_bytes)
    .header('content-md5', image.checksum_md5 ?? '')
    .header(imageDigestHeader, image.sha512 ?? '')
    .send(data.stream);
}

/** A user's token, or the ticket of a host that makes an image. Either way the image must have no bytes yet. */
type MayUpload = { readonly caller: Caller } | { readonly image: ImageRow };

/** queued → saving → active; back to queued when the data does not arrive whole or is refused. */
async function upload(
  services: { readonly pool: Pool; readonly log: Logger; readonly settings: StoreSettings },
  may: MayUpload,
  { id, sha512 }: { readonly id: string; readonly sha512: string | null },
  source: Readable,
): Promise<void> {
  const { pool, log, settings } = services;
  const { image, disk_format } = await inTransaction(pool, async (transaction) => {
    const image =
      'caller' in may
        ? await lockImage(transaction, may.caller, id)
        : await lockKnownImage(transaction, may.image.id);
    if ('caller' in may) requireOwner(may.caller, image, 'upload_image');
    if (image.status !== 'queued') throw new DroverError('image_not_queued', { status: image.status });
    const { disk_format, container_format } = image;
    if (disk_format === null || container_format === null)
      throw new DroverError('image_invalid', {
        message: 'Properties disk_format, container_format must be set prior to saving data.',
      });
    await transaction.query(`update images set status = 'saving', updated_at = now() where id = $1`, [
      image.id,
    ]);
    return { image, disk_format };
  });
  const stopShowing = showUpload(pool, image.id, log);
  try {
    // Giving up in the middle must not tear down the connection: the client is to read why.
    const pieces = source.iterator({ destroyOnReturn: false });
    const stored = await storeImage(settings, { id: image.id, disk_format }, pieces);
    if (sha512 !== null && sha512 !== stored.sha512) {
      await removeImage(settings, image.id);
      throw new DroverError('image_data_refused', {
        id: image.id,
        reason: 'other bytes arrived than were sent',
      });
    }
    if (!(await activate(pool, image, disk_format, stored))) await removeImage(settings, image.id);
  } catch (error) {
    await pool.query(
      `update images set status = 'queued', updated_at = now() where id = $1 and status = 'saving'`,
      [image.id],
    );
    throw error;
  } finally {
    stopShowing();
  }
}

/** False when the image was deleted while its data arrived. */
async function activate(
  pool: Pool,
  image: ImageRow,
  disk_format: ImageFormat,
  stored: StoredImage,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update images set status = 'active', disk_format = $2, size_bytes = $3, virtual_size_bytes = $4,
       checksum_md5 = $5, sha512 = $6, updated_at = now()
     where id = $1 and status = 'saving'`,
    [image.id, disk_format, stored.size_bytes, stored.virtual_size_bytes, stored.checksum_md5, stored.sha512],
  );
  return rowCount === 1;
}
