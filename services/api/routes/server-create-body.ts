import type { JsonSchema } from '../http/json-schema.ts';
import type { Microversion } from '../http/microversion.ts';
import { booleanSchema, nameSchema, type BodySchema } from '../http/validate.ts';
import { hostNameSchema } from './server-actions/migrate.ts';
import { metadataSchema } from './server-metadata.ts';
import { tagSchema } from './server-tags.ts';
import {
  addressV4Schema,
  addressV6Schema,
  descriptionSchema,
  diskConfigSchema,
  guestHostnameSchema,
} from './server-update.ts';

/** A request for servers, once it passed the schema of its microversion. */
export interface CreateBody {
  readonly server: {
    readonly name: string;
    readonly flavorRef: string | number;
    readonly imageRef?: string;
    readonly adminPass?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly networks?: 'none' | 'auto' | readonly RequestedNetwork[];
    readonly 'OS-DCF:diskConfig'?: 'AUTO' | 'MANUAL';
    readonly accessIPv4?: string;
    readonly accessIPv6?: string;
    readonly personality?: readonly unknown[];
    readonly availability_zone?: string;
    readonly block_device_mapping?: readonly unknown[];
    readonly block_device_mapping_v2?: readonly RequestedDisk[];
    readonly config_drive?: unknown;
    readonly key_name?: string;
    readonly min_count?: number | string;
    readonly max_count?: number | string;
    readonly return_reservation_id?: unknown;
    readonly security_groups?: readonly { readonly name?: string }[];
    readonly user_data?: string | null;
    readonly description?: string | null;
    readonly tags?: readonly string[];
    readonly trusted_image_certificates?: readonly string[] | null;
    readonly host?: string;
    readonly hypervisor_hostname?: string;
    readonly hostname?: string;
  };
  readonly 'os:scheduler_hints'?: Hints;
  readonly 'OS-SCH-HNT:scheduler_hints'?: Hints;
}

export interface RequestedNetwork {
  readonly uuid?: string;
  readonly port?: string | null;
  readonly fixed_ip?: string;
}

export interface RequestedDisk {
  readonly uuid?: string;
  readonly boot_index?: number | string | null;
  readonly source_type?: string;
  readonly destination_type?: string;
}

export type Hints = Readonly<Record<string, unknown>> & { readonly group?: string };

const uuid: JsonSchema = { type: 'string', format: 'uuid' };
const count: JsonSchema = { type: ['integer', 'string'], pattern: '^[0-9]*$', minimum: 1, minLength: 1 };
const hostList: JsonSchema = { oneOf: [uuid, { type: 'array', items: uuid }] };

const hints: JsonSchema = {
  type: 'object',
  properties: {
    group: uuid,
    different_host: hostList,
    same_host: hostList,
    query: { type: ['string', 'object'] },
    target_cell: { type: 'string', minLength: 1, maxLength: 255 },
    different_cell: { type: ['string', 'array'] },
    build_near_host_ip: { type: 'string' },
    cidr: { type: 'string', pattern: '^/[0-9a-f.:]+$' },
  },
  additionalProperties: true,
};

/** Nova's schema of POST /servers at this microversion; keys in Nova's order, because the first violation is told. */
function createSchema(version: Microversion): JsonSchema {
  const since = (minor: number, properties: Record<string, JsonSchema>): Record<string, JsonSchema> =>
    version.atLeast(2, minor) ? properties : {};
  const needsNetworks = version.atLeast(2, 37);
  return {
    type: 'object',
    properties: {
      server: {
        type: 'object',
        properties: {
          name: nameSchema,
          imageRef: { oneOf: [uuid, { type: 'string', maxLength: 0 }] },
          flavorRef: { type: ['string', 'integer'], minLength: 1 },
          adminPass: { type: 'string' },
          metadata: metadataSchema,
          networks: networksSchema(version),
          'OS-DCF:diskConfig': diskConfigSchema,
          accessIPv4: addressV4Schema,
          accessIPv6: addressV6Schema,
          ...(version.atLeast(2, 57) ? {} : { personality: { type: 'array' } satisfies JsonSchema }),
          availability_zone: nameSchema,
          block_device_mapping: { type: 'array', items: { type: 'object' } },
          block_device_mapping_v2: { type: 'array', items: { type: 'object' } },
          config_drive: { anyOf: [booleanSchema, { type: 'null' }, { type: 'string', maxLength: 0 }] },
          key_name: { type: 'string', minLength: 1, maxLength: 255 },
          min_count: count,
          max_count: count,
          return_reservation_id: booleanSchema,
          security_groups: {
            type: 'array',
            items: {
              type: 'object',
              properties: { name: { type: 'string', minLength: 1, maxLength: 255 } },
              additionalProperties: false,
            },
          },
          user_data: { type: ['string', 'null'], format: 'base64', maxLength: 65_535 },
          ...since(19, { description: descriptionSchema }),
          ...since(52, { tags: { type: 'array', items: tagSchema, maxItems: 50 } }),
          ...since(63, {
            trusted_image_certificates: {
              type: ['array', 'null'],
              minItems: 1,
              maxItems: 50,
              uniqueItems: true,
              items: { type: 'string', minLength: 1 },
            },
          }),
          ...since(74, {
            host: { type: 'string', ...hostNameSchema },
            hypervisor_hostname: { type: 'string', ...hostNameSchema },
          }),
          ...since(90, { hostname: guestHostnameSchema }),
        },
        required: needsNetworks ? ['name', 'flavorRef', 'networks'] : ['name', 'flavorRef'],
        additionalProperties: false,
      },
      'os:scheduler_hints': hints,
      'OS-SCH-HNT:scheduler_hints': hints,
    },
    required: ['server'],
    additionalProperties: false,
  };
}

function networksSchema(version: Microversion): JsonSchema {
  const list: JsonSchema = {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        fixed_ip: { oneOf: [addressV4Schema, addressV6Schema] },
        port: { oneOf: [uuid, { type: 'null' }] },
        uuid,
        ...(version.atLeast(2, 32) ? { tag: tagSchema } : {}),
      },
      additionalProperties: !version.atLeast(2, 32),
    },
  };
  return version.atLeast(2, 37) ? { oneOf: [list, { type: 'string', enum: ['none', 'auto'] }] } : list;
}

const schemas = new Map<number, BodySchema<CreateBody>>();

/** One schema per microversion, made when first asked for. */
export function createBodyAt(version: Microversion): BodySchema<CreateBody> {
  const known = schemas.get(version.minor);
  if (known !== undefined) return known;
  const made = { schema: createSchema(version) };
  schemas.set(version.minor, made);
  return made;
}
