import type { FastifyRequest } from 'fastify';
import { imageFormats, type ImageFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { bodySchema, validateBody } from '../http/validate.ts';
import {
  findExtraction,
  requestExtract,
  requestExtractCancel,
  type Extraction,
} from '../operations/request-extract.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { allow, requesterOf, requireServer } from '../routes/server-access.ts';
import type { ApiServices, RegisterRoutes } from '../services.ts';

const createBody = bodySchema<{
  readonly server: string;
  readonly name: string;
  readonly disk_format?: ImageFormat;
}>({
  type: 'object',
  properties: {
    server: { type: 'string', format: 'uuid' },
    name: { type: 'string', minLength: 1, maxLength: 255 },
    disk_format: { enum: imageFormats },
  },
  required: ['server', 'name'],
  additionalProperties: false,
});

type OfImage = { Params: { image: string } };

/** /drover/v1/images: images that are made of servers' disks. What they are once they exist is for Image v2 to say. */
export const registerDroverExtractions: RegisterRoutes = (app, services) => {
  app.post('/images', async (request, reply) => {
    const wish = validateBody(createBody, request.body);
    const server = await requireServer(services, request, wish.server);
    allow(services, request, serverPolicies.create_image, server);
    const image = await requestExtract(services, requesterOf(request), server.uuid, {
      name: wish.name,
      disk_format: wish.disk_format ?? 'qcow2',
      metadata: {},
    });
    return reply.code(202).send({ image: viewOf(await requireExtraction(services, request, image)) });
  });

  app.get<OfImage>('/images/:image', async (request) => ({
    image: viewOf(await requireExtraction(services, request, request.params.image)),
  }));

  app.post<OfImage>('/images/:image/cancel', async (request, reply) => {
    const extraction = await requireExtraction(services, request, request.params.image);
    await requestExtractCancel(services, requesterOf(request), extraction);
    const effect = `Image ${extraction.image_id} is deleted and its files on the host are removed; the server goes on.`;
    return reply.code(202).send({ cancel: { image_id: extraction.image_id, effect } });
  });
};

/** @throws DroverError extraction_not_found, also where the caller may not make images of the server */
async function requireExtraction(
  services: ApiServices,
  request: FastifyRequest,
  image: string,
): Promise<Extraction> {
  const found = await findExtraction(services.pool, image);
  const { caller } = request;
  const target = { project_id: found?.project_id ?? '' };
  if (found === null || !services.policy.check(serverPolicies.create_image, target, caller))
    throw new DroverError('extraction_not_found', { image });
  return found;
}

function viewOf(found: Extraction): object {
  return {
    id: found.image_id,
    name: found.name,
    status: found.image_status,
    disk_format: found.disk_format,
    size_bytes: found.size_bytes,
    sha512: found.sha512,
    server_id: found.server_id,
    operation: { id: found.operation_id, state: found.state, step: found.step },
    progress_percent: found.progress_percent,
    reason: found.reason_code === null ? null : { code: found.reason_code, message: found.reason },
  };
}
