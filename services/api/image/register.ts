import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TokenAuthority } from '../http/authenticate.ts';
import { publicRoot } from '../http/links.ts';
import type { ApiServices } from '../services.ts';
import { registerImageData } from './image-data.ts';
import { listImages } from './image-list.ts';
import { requireImage, requireOwner } from './image-row.ts';
import { imageView } from './image-view.ts';
import { createImage, deleteImage, patchImage } from './image-write.ts';
import { imageSchema, imagesSchema } from './image-schema.ts';
import { removeImage } from './store.ts';

interface ImagePath {
  readonly Params: { readonly id: string };
}
interface TagPath {
  readonly Params: { readonly id: string; readonly tag: string };
}

/** All routes of the image API, below /image. */
export function registerImage(app: FastifyInstance, services: ApiServices, authority: TokenAuthority): void {
  const { pool, configuration } = services;
  registerVersions(app);

  app.get('/v2/images', (request) => listImages(pool, request));

  app.post('/v2/images', async (request, reply) => {
    const image = await createImage(pool, request.caller, request.body);
    return reply
      .code(201)
      .header('location', `${publicRoot(request)}/image/v2/images/${image.id}`)
      .send(imageView(image));
  });

  app.get<ImagePath>('/v2/images/:id', async (request) =>
    imageView(await requireImage(pool, request.caller, request.params.id)),
  );

  app.patch<ImagePath>('/v2/images/:id', async (request) =>
    imageView(await patchImage(pool, request.caller, request.params.id, request.body)),
  );

  app.delete<ImagePath>('/v2/images/:id', async (request, reply) => {
    const image = await deleteImage(pool, request.caller, request.params.id);
    await removeImage(configuration.image, image.id);
    return reply.code(204).send();
  });

  app.route<TagPath>({
    method: ['PUT', 'DELETE'],
    url: '/v2/images/:id/tags/:tag',
    handler: async (request, reply) => {
      const { id, tag } = request.params;
      const image = await requireImage(pool, request.caller, id);
      requireOwner(request.caller, image, 'modify_image');
      const kept = image.tags.filter((one) => one !== tag);
      const tags = request.method === 'PUT' ? [...kept, tag] : kept;
      await patchImage(pool, request.caller, id, [{ op: 'replace', path: '/tags', value: tags }]);
      return reply.code(204).send();
    },
  });

  app.get('/v2/schemas/image', () => imageSchema);
  app.get('/v2/schemas/images', () => imagesSchema);

  void app.register((data, _options, done) => {
    registerImageData(data, services, authority);
    done();
  });
}

/** Minor versions that Glance of the Zed release lists; there is no 2.14. */
const minorVersions = [15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

function registerVersions(app: FastifyInstance): void {
  const document = (request: FastifyRequest) => ({
    versions: minorVersions.map((minor, index) => ({
      id: `v2.${minor}`,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${publicRoot(request)}/image/v2/` }],
    })),
  });
  for (const path of ['/', '/v2', '/v2/'])
    app.get(path, { config: { public: true } }, (request, reply) => reply.code(300).send(document(request)));
  app.get('/versions', { config: { public: true } }, (request) => document(request));
}
