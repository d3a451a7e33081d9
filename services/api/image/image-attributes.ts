import { imageFormats } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { findViolation, type JsonSchema } from '../http/json-schema.ts';
import type { Caller } from '../request-context.ts';
import type { ImageRow } from './image-row.ts';

/** The attributes that clients may write, with the column each is kept in. Everything else is a property. */
export const attributeColumns = {
  name: 'name',
  visibility: 'visibility',
  disk_format: 'disk_format',
  container_format: 'container_format',
  min_disk: 'min_disk_gb',
  min_ram: 'min_ram_mb',
  protected: 'is_protected',
  os_hidden: 'is_hidden',
  tags: 'tags',
  owner: 'owner_project_id',
} as const satisfies Record<string, keyof ImageRow>;
export type AttributeName = keyof typeof attributeColumns;

const readOnly: ReadonlySet<string> = new Set(
  `id status checksum size virtual_size created_at updated_at deleted deleted_at os_hash_algo os_hash_value
   self file schema direct_url locations stores`.split(/\s+/),
);

/** Members that only the service writes. */
export function isReadOnly(name: string): boolean {
  return readOnly.has(name);
}

const INTEGER_MAX = 2_147_483_647;
const PROPERTIES_MAX = 128;
const TAGS_MAX = 128;

const schemas: Readonly<Record<AttributeName, JsonSchema>> = {
  name: { type: ['null', 'string'], maxLength: 255 },
  visibility: { type: 'string', enum: ['community', 'public', 'private', 'shared'] },
  // Those that hosts run and those that they can write; Glance's longer list would be accepted and fail later.
  disk_format: { type: ['null', 'string'], enum: [null, ...imageFormats] },
  container_format: { type: ['null', 'string'], enum: [null, 'bare', 'ovf', 'ova', 'docker'] },
  min_disk: { type: 'integer', minimum: 0, maximum: INTEGER_MAX },
  min_ram: { type: 'integer', minimum: 0, maximum: INTEGER_MAX },
  protected: { type: 'boolean' },
  os_hidden: { type: 'boolean' },
  tags: { type: 'array', items: { type: 'string', maxLength: 255 }, maxItems: TAGS_MAX },
  owner: { type: ['null', 'string'], maxLength: 255 },
};
const propertySchema: JsonSchema = { type: 'string', maxLength: 65_535 };

export function isAttribute(name: string): name is AttributeName {
  return Object.hasOwn(attributeColumns, name);
}

/** New values of columns and of properties (null removes one), checked. */
export interface ImageChanges {
  readonly columns: Partial<Record<(typeof attributeColumns)[AttributeName], unknown>>;
  readonly properties: Record<string, string | null>;
}

/**
 * Checks one attribute or property and notes it in `changes`.
 * @throws DroverError image_attribute_fixed, image_invalid, image_forbidden
 */
export function change(changes: ImageChanges, caller: Caller, name: string, value: unknown): void {
  if (isReadOnly(name)) throw new DroverError('image_attribute_fixed', { name });
  if (isAttribute(name)) {
    check(name, schemas[name], value);
    if (name === 'visibility' && value === 'public' && !caller.is_admin)
      throw new DroverError('image_forbidden', { action: 'publicize_image' });
    if (name === 'owner' && !caller.is_admin && value !== caller.project_id)
      throw new DroverError('image_forbidden', { action: 'modify_image' });
    changes.columns[attributeColumns[name]] =
      name === 'tags' && Array.isArray(value) ? [...new Set(value)] : value;
    return;
  }
  if (name === '' || name.length > 255)
    throw new DroverError('image_invalid', {
      message: "A property's name must have between 1 and 255 characters.",
    });
  check(name, propertySchema, value);
  changes.properties[name] = String(value);
}

/** @throws DroverError image_invalid when the image would have too many properties */
export function requireFewProperties(properties: Readonly<Record<string, unknown>>): void {
  if (Object.keys(properties).length > PROPERTIES_MAX)
    throw new DroverError('image_invalid', {
      message: `The limit has been exceeded on the number of allowed image properties. Maximum: ${PROPERTIES_MAX}.`,
    });
}

function check(name: string, schema: JsonSchema, value: unknown): void {
  const violation = findViolation(schema, value);
  if (violation !== null)
    throw new DroverError('image_invalid', {
      message: `Provided object does not match schema 'image': ${violation.message}: ${name}`,
    });
}
