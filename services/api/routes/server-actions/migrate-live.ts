import type { JsonSchema } from '../../http/json-schema.ts';
import type { Microversion } from '../../http/microversion.ts';
import { booleanSchema, type BodySchema } from '../../http/validate.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import { checkLock } from '../../operations/instance-guard.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { actionBody, type ServerAction } from './server-action.ts';
import { hostNameSchema } from './migrate.ts';

const name = 'os-migrateLive';

/** Nova's forms: below 2.25 disk_over_commit, then `auto`, from 2.30 to 2.67 `force`. */
function bodyAt(version: Microversion): BodySchema<unknown> {
  const host: JsonSchema = { type: ['string', 'null'], ...hostNameSchema };
  if (!version.atLeast(2, 25))
    return actionBody(name, {
      type: 'object',
      properties: { block_migration: booleanSchema, disk_over_commit: booleanSchema, host },
      required: ['block_migration', 'disk_over_commit', 'host'],
      additionalProperties: false,
    });
  const block_migration: JsonSchema = { enum: [...(booleanSchema.enum ?? []), 'auto'] };
  const hasForce = version.atLeast(2, 30) && !version.atLeast(2, 68);
  return actionBody(name, {
    type: 'object',
    properties: { block_migration, host, ...(hasForce ? { force: booleanSchema } : {}) },
    required: ['block_migration', 'host'],
    additionalProperties: false,
  });
}

/** Live migration is not offered; wrong requests still get Nova's answers first. */
export const migrateLiveAction: ServerAction = {
  name,
  schema: bodyAt,
  policy: serverPolicies.migrate_live,
  perform({ request, server }) {
    checkLock(server, request.caller.is_admin);
    const { vm_state, task_state, uuid } = server;
    if (vm_state !== 'active' && vm_state !== 'paused')
      throw new DroverError('instance_state_conflict', {
        instance: uuid,
        action: name,
        attribute: 'vm_state',
        state: vm_state,
      });
    if (task_state !== null)
      throw new DroverError('instance_state_conflict', {
        instance: uuid,
        action: name,
        attribute: 'task_state',
        state: task_state,
      });
    throw new DroverError('action_unsupported', { action: name });
  },
};
