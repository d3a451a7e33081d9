import type { JsonSchema } from '../http/json-schema.ts';
import type { Microversion } from '../http/microversion.ts';
import { bodySchema, nameSchema, validateBody } from '../http/validate.ts';
import type { GroupPolicy } from '../queries/server-groups.ts';

/** What POST /os-server-groups asks for, whatever version it is written in. */
export interface GroupWish {
  readonly name: string;
  readonly policy: GroupPolicy;
  readonly max_server_per_host: number | null;
}

const hard: readonly GroupPolicy[] = ['anti-affinity', 'affinity'];
const hardAndSoft: readonly GroupPolicy[] = [...hard, 'soft-anti-affinity', 'soft-affinity'];

const bodyWith = (properties: Readonly<Record<string, JsonSchema>>, required: string): JsonSchema => ({
  type: 'object',
  properties: {
    server_group: {
      type: 'object',
      properties: { name: nameSchema, ...properties },
      required: ['name', required],
      additionalProperties: false,
    },
  },
  required: ['server_group'],
  additionalProperties: false,
});

const policies = (words: readonly GroupPolicy[]): JsonSchema => ({
  type: 'array',
  items: { type: 'string', enum: words },
  uniqueItems: true,
  minItems: 1,
  maxItems: 1,
});

interface ListBody {
  readonly server_group: { readonly name: string; readonly policies: readonly [GroupPolicy] };
}
const hardBody = bodySchema<ListBody>(bodyWith({ policies: policies(hard) }, 'policies'));
const softBody = bodySchema<ListBody>(bodyWith({ policies: policies(hardAndSoft) }, 'policies'));
const ruleBody = bodySchema<{
  readonly server_group: {
    readonly name: string;
    readonly policy: GroupPolicy;
    readonly rules?: { readonly max_server_per_host?: number | string };
  };
}>(
  bodyWith(
    {
      policy: { type: 'string', enum: hardAndSoft },
      rules: {
        type: 'object',
        properties: {
          // The openstack client sends the number as text.
          max_server_per_host: {
            type: ['integer', 'string'],
            pattern: '^[0-9]*$',
            minimum: 1,
            minLength: 1,
            maximum: 2_147_483_647,
          },
        },
        additionalProperties: false,
      },
    },
    'policy',
  ),
);

/** Soft policies exist from 2.15 on, one policy with rules from 2.64. @throws DroverError validation_failed */
export function readGroupBody(body: unknown, version: Microversion): GroupWish {
  if (!version.atLeast(2, 64)) {
    const { server_group } = validateBody(version.atLeast(2, 15) ? softBody : hardBody, body);
    return { name: server_group.name, policy: server_group.policies[0], max_server_per_host: null };
  }
  const { server_group } = validateBody(ruleBody, body);
  const most = server_group.rules?.max_server_per_host;
  return {
    name: server_group.name,
    policy: server_group.policy,
    max_server_per_host: most === undefined ? null : Number(most),
  };
}
