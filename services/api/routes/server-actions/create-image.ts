import { publicRoot } from '../../http/links.ts';
import { requestExtract } from '../../operations/request-extract.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { actionBody, type ServerAction } from './server-action.ts';

interface Argument {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** From here on the image's id is in the body; before, only in the header. */
const BODY_SINCE_MINOR = 45;

/** Nova's snapshot: an image of the server's disk, flattened, as qcow2. */
export const createImageAction: ServerAction = {
  name: 'createImage',
  schema: () =>
    actionBody('createImage', {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 255 },
        metadata: {
          type: 'object',
          additionalProperties: { type: 'string', maxLength: 255 },
          propertyNames: { minLength: 1, maxLength: 255 },
          maxProperties: 100,
        },
      },
      required: ['name'],
      additionalProperties: false,
    }),
  policy: serverPolicies.create_image,
  async perform({ services, request, server, argument }) {
    const { name, metadata = {} } = argument as Argument;
    const image = await requestExtract(services, requesterOf(request), server.uuid, {
      name,
      disk_format: 'qcow2',
      metadata,
    });
    return {
      status: 202,
      headers: { location: `${publicRoot(request)}/image/images/${image}` },
      body: request.microversion.minor >= BODY_SINCE_MINOR ? { image_id: image } : undefined,
    };
  },
};
