import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { listImageRows } from '../image/image-list.ts';
import { deleteImage } from '../image/image-write.ts';
import { maySee, readImage, type ImageRow } from '../image/image-row.ts';
import { removeImage } from '../image/store.ts';
import { computeLinks, publicRoot } from '../http/links.ts';
import { requireVersion } from '../http/microversion.ts';
import { timeWithZone } from '../http/times.ts';
import type { ApiServices } from '../services.ts';

/** Until 2.35 Nova passes images through in a form of its own; later versions know Glance only. */
const LAST_MINOR = 35;

interface ImagePath {
  readonly Params: { readonly id: string };
}

const statusWords: Readonly<Record<ImageRow['status'], string>> = {
  queued: 'SAVING',
  saving: 'SAVING',
  active: 'ACTIVE',
  deleted: 'DELETED',
};

/** GET /images, /images/detail, /images/{id} and DELETE: what old clients ask Nova for. */
export function registerImageProxyRoutes(app: FastifyInstance, services: ApiServices): void {
  const { pool, configuration } = services;
  const links = (request: FastifyRequest, id: string) => [
    ...computeLinks(request, configuration.api.compute_link_prefix).pair('images', id),
    {
      rel: 'alternate',
      type: 'application/vnd.openstack.image',
      href: `${publicRoot(request)}/image/images/${id}`,
    },
  ];
  const detail = (request: FastifyRequest, image: ImageRow) => ({
    id: image.id,
    name: image.name,
    minRam: image.min_ram_mb,
    minDisk: image.min_disk_gb,
    metadata: image.properties,
    created: timeWithZone(image.created_at),
    updated: timeWithZone(image.updated_at),
    status: statusWords[image.status],
    progress: image.status === 'active' ? 100 : image.status === 'saving' ? 50 : 25,
    links: links(request, image.id),
    'OS-EXT-IMG-SIZE:size': image.size_bytes ?? 0,
  });
  const old = (request: FastifyRequest) => requireVersion(request.microversion, { last: LAST_MINOR });

  app.get('/images', async (request) => {
    old(request);
    const { rows } = await listImageRows(pool, request);
    return {
      images: rows.map((image) => ({ id: image.id, links: links(request, image.id), name: image.name })),
    };
  });

  app.get('/images/detail', async (request) => {
    old(request);
    const { rows } = await listImageRows(pool, request);
    return { images: rows.map((image) => detail(request, image)) };
  });

  app.get<ImagePath>('/images/:id', async (request) => {
    old(request);
    const image = await readImage(pool, request.params.id);
    if (image === null || !maySee(request.caller, image)) throw new DroverError('image_unknown_to_nova');
    return { image: detail(request, image) };
  });

  app.delete<ImagePath>('/images/:id', async (request, reply) => {
    old(request);
    const image = await readImage(pool, request.params.id);
    if (image === null || !maySee(request.caller, image)) throw new DroverError('image_unknown_to_nova');
    await deleteImage(pool, request.caller, image.id);
    await removeImage(configuration.image, image.id);
    return reply.code(204).send();
  });
}
