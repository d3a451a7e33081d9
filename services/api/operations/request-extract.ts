import { randomUUID } from 'node:crypto';
import { inTransaction, type Queryable } from '../../../shared/database/connect.ts';
import { appendOutbox } from '../../../shared/database/outbox.ts';
import { imageId, operationId, type ImageId, type InstanceId } from '../../../shared/domain/ids.ts';
import type { ImageFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { LockedInstance } from './instance-guard.ts';
import { requestOperation, wake, type OperationServices, type Requester } from './request-operation.ts';
import { hostOf } from './source-host.ts';

export interface ImageWish {
  readonly name: string;
  readonly disk_format: ImageFormat;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Asks for an image of a server's disk. The image is there at once, without bytes, in the caller's project; it becomes
 * active when they have arrived, and is deleted when they cannot.
 * @throws DroverError as requestOperation, instance_not_ready
 */
export async function requestExtract(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
  wish: ImageWish,
): Promise<ImageId> {
  const image = imageId(randomUUID());
  await requestOperation(services, requester, instance, {
    kind: 'extract',
    action: 'createImage',
    guard: {
      action: 'createImage',
      vm_states: ['active', 'stopped', 'paused', 'suspended'],
      task_states: [null],
      must_have_launched: true,
    },
    ignores_lock: true,
    task_state: 'image_snapshot_pending',
    check: async (_transaction, locked) => {
      hostOf(locked);
    },
    prepare: async (transaction, locked) => {
      await insertImage(transaction, requester, locked, image, wish);
      return { request: { extract: { image_id: image, disk_format: wish.disk_format } } };
    },
  });
  return image;
}

/** With the properties that Nova gives its snapshots: clients look for them. */
async function insertImage(
  transaction: Queryable,
  requester: Requester,
  instance: LockedInstance,
  image: ImageId,
  wish: ImageWish,
): Promise<void> {
  await transaction.query(
    `insert into images (id, name, status, visibility, owner_project_id, disk_format, container_format, min_disk_gb,
       properties)
     select $1, $2, 'queued', 'private', $3, $4, 'bare', $5,
       $6::jsonb || jsonb_build_object('image_type', 'snapshot', 'instance_uuid', $7::text, 'user_id', $8::text,
         'base_image_ref', coalesce(image_id::text, ''))
     from instances where uuid = $7::uuid`,
    [
      image,
      wish.name,
      requester.project_id,
      wish.disk_format,
      instance.flavor.root_gb,
      JSON.stringify(wish.metadata),
      instance.uuid,
      requester.user_id,
    ],
  );
}

/** The newest operation that makes an image, and how far it is. */
export interface Extraction {
  readonly image_id: string;
  readonly name: string | null;
  readonly image_status: string;
  readonly disk_format: string;
  readonly size_bytes: number | null;
  readonly sha512: string | null;
  readonly operation_id: string;
  readonly state: string;
  readonly step: string | null;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly server_id: string;
  readonly project_id: string;
  readonly progress_percent: number;
}

/** @returns null for an image that was not made of a server */
export async function findExtraction(database: Queryable, image: string): Promise<Extraction | null> {
  const { rows } = await database.query<Extraction>(
    `select g.id as image_id, g.name, g.status as image_status, g.disk_format, g.size_bytes, g.sha512,
            o.id as operation_id, o.state, o.step, o.reason_code, o.reason, i.uuid as server_id, i.project_id,
            case when o.state = 'done' then 100 when o.state = 'running' then i.progress else 0 end as progress_percent
     from operations o
     join images g on g.id::text = o.request -> 'extract' ->> 'image_id'
     join instances i on i.uuid = o.instance_uuid
     where o.kind = 'extract' and o.request -> 'extract' ->> 'image_id' = $1`,
    [image],
  );
  return rows[0] ?? null;
}

/**
 * Calls an image back that is still being made.
 * @throws DroverError image_not_in_progress
 */
export async function requestExtractCancel(
  services: OperationServices,
  requester: Requester,
  { image_id, operation_id, image_status }: Extraction,
): Promise<void> {
  await inTransaction(services.pool, async (transaction) => {
    const { rowCount } = await transaction.query(
      `update operations set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
       where id = $1 and state = 'running'`,
      [operation_id],
    );
    if (rowCount !== 1)
      throw new DroverError('image_not_in_progress', { image: image_id, status: image_status });
    await appendOutbox(transaction, [wake(requester.request_id, operationId(operation_id))]);
  });
  services.wakeOutbox();
}
