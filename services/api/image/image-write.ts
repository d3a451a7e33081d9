import { randomUUID } from 'node:crypto';
import type { Pool, Queryable } from '../../../shared/database/connect.ts';
import { inTransaction } from '../../../shared/database/connect.ts';
import { imageId, type ImageId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Caller } from '../request-context.ts';
import {
  change,
  isAttribute,
  isReadOnly,
  requireFewProperties,
  type ImageChanges,
} from './image-attributes.ts';
import { imageColumns, isImageId, maySee, requireOwner, type ImageRow } from './image-row.ts';

/**
 * POST /v2/images: a queued image without data.
 * @throws DroverError image_invalid, image_forbidden, image_attribute_fixed, image_exists
 */
export async function createImage(pool: Pool, caller: Caller, body: unknown): Promise<ImageRow> {
  if (!caller.is_scoped || !(caller.is_admin || caller.roles.includes('member')))
    throw new DroverError('image_forbidden', { action: 'add_image' });
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new DroverError('image_invalid', { message: 'Request body must be a JSON object.' });
  const changes: ImageChanges = { columns: {}, properties: {} };
  let id: string = randomUUID();
  for (const [name, value] of Object.entries(body)) {
    if (name === 'id') {
      if (typeof value !== 'string' || !isImageId(value))
        throw new DroverError('image_invalid', { message: `Invalid image id format` });
      id = value;
    } else change(changes, caller, name, value);
  }
  requireFewProperties(changes.properties);
  const row: Record<string, unknown> = {
    visibility: 'shared',
    owner_project_id: caller.project_id,
    ...changes.columns,
    id,
    status: 'queued',
    properties: changes.properties,
  };
  const names = Object.keys(row);
  const { rows } = await pool.query<ImageRow>(
    `insert into images (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})
     on conflict (id) do nothing returning ${imageColumns}`,
    Object.values(row),
  );
  if (rows[0] === undefined) throw new DroverError('image_exists', { id });
  return rows[0];
}

interface PatchStep {
  readonly op: 'add' | 'replace' | 'remove';
  readonly name: string;
  readonly value: unknown;
}

/**
 * PATCH /v2/images/{id}: a JSON patch (RFC 6902) of add, replace and remove on top-level members.
 * @throws DroverError image_not_found, image_forbidden, image_invalid, image_attribute_…, image_property_missing
 */
export async function patchImage(pool: Pool, caller: Caller, id: string, body: unknown): Promise<ImageRow> {
  const steps = readPatch(body);
  return inTransaction(pool, async (transaction) => {
    const image = await lockImage(transaction, caller, id);
    requireOwner(caller, image, 'modify_image');
    const changes: ImageChanges = { columns: {}, properties: {} };
    const has = (name: string) =>
      name in changes.properties ? changes.properties[name] !== null : Object.hasOwn(image.properties, name);
    for (const { op, name, value } of steps) {
      if (isReadOnly(name)) throw new DroverError('image_attribute_fixed', { name });
      if (isAttribute(name)) {
        if (op === 'remove') throw new DroverError('image_attribute_kept', { name });
        if ((name === 'disk_format' || name === 'container_format') && image.status !== 'queued')
          throw new DroverError('image_attribute_settled', { name });
      } else if (op !== 'add' && !has(name)) throw new DroverError('image_property_missing', { name });
      if (op === 'remove') changes.properties[name] = null;
      else change(changes, caller, name, value);
    }
    return save(transaction, image, changes);
  });
}

async function save(transaction: Queryable, image: ImageRow, changes: ImageChanges): Promise<ImageRow> {
  const properties: Record<string, string> = { ...image.properties };
  for (const [name, value] of Object.entries(changes.properties)) {
    if (value === null) delete properties[name];
    else properties[name] = value;
  }
  requireFewProperties(properties);
  const values: Record<string, unknown> = { ...changes.columns, properties };
  const assignments = Object.keys(values).map((name, index) => `${name} = $${index + 2}`);
  const { rows } = await transaction.query<ImageRow>(
    `update images set ${assignments.join(', ')}, updated_at = now() where id = $1 returning ${imageColumns}`,
    [image.id, ...Object.values(values)],
  );
  return rows[0] ?? image;
}

/** @throws DroverError image_not_found */
export async function lockImage(transaction: Queryable, caller: Caller, id: string): Promise<ImageRow> {
  if (!isImageId(id)) throw new DroverError('image_not_found', { id });
  const image = await lockKnownImage(transaction, imageId(id));
  if (!maySee(caller, image)) throw new DroverError('image_not_found', { id });
  return image;
}

/** Whoever asks. @throws DroverError image_not_found */
export async function lockKnownImage(transaction: Queryable, id: ImageId): Promise<ImageRow> {
  const { rows } = await transaction.query<ImageRow>(
    `select ${imageColumns} from images where id = $1 and deleted_at is null for update`,
    [id],
  );
  const [image] = rows;
  if (image === undefined) throw new DroverError('image_not_found', { id });
  return image;
}

/** @throws DroverError image_invalid */
function readPatch(body: unknown): readonly PatchStep[] {
  if (!Array.isArray(body))
    throw new DroverError('image_invalid', {
      message: 'Request body must be a JSON array of operation objects.',
    });
  return body.map((step: unknown): PatchStep => {
    if (typeof step !== 'object' || step === null)
      throw new DroverError('image_invalid', { message: 'Operations must be JSON objects.' });
    const { op, path, value } = step as { op?: unknown; path?: unknown; value?: unknown };
    if (op !== 'add' && op !== 'replace' && op !== 'remove')
      throw new DroverError('image_invalid', { message: 'Operations must be add, replace or remove.' });
    if (typeof path !== 'string' || !/^\/[^/]+$/.test(path))
      throw new DroverError('image_invalid', { message: 'A path must name one member: "/name".' });
    if (op !== 'remove' && value === undefined)
      throw new DroverError('image_invalid', {
        message: `Operation "${op}" requires a member named "value".`,
      });
    return { op, name: path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~'), value };
  });
}

/**
 * Marks an image deleted; its bytes are removed by the caller once this is committed.
 * @throws DroverError image_not_found, image_forbidden, image_protected
 */
export async function deleteImage(pool: Pool, caller: Caller, id: string): Promise<ImageRow> {
  return inTransaction(pool, async (transaction) => {
    const image = await lockImage(transaction, caller, id);
    requireOwner(caller, image, 'delete_image');
    if (image.is_protected) throw new DroverError('image_protected', { id });
    await transaction.query(
      `update images set status = 'deleted', deleted_at = now(), updated_at = now() where id = $1`,
      [image.id],
    );
    return image;
  });
}
