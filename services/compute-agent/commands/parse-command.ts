import { Type, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { CommandName } from '../../../shared/messaging/commands.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import { commandNames, commandRegistry } from './registry.ts';
import { Uuid } from './schemas.ts';

const Envelope = Type.Object({
  type: Type.Literal('command'),
  message_id: Type.String({ maxLength: 200 }),
  request_id: Type.String({ maxLength: 200 }),
  operation_id: Uuid,
  step: Type.String({ minLength: 1, maxLength: 100 }),
  direction: Type.Union([Type.Literal('action'), Type.Literal('undo')]),
  attempt: Type.Integer({ minimum: 0 }),
  command: Type.Union(commandNames.map((name) => Type.Literal(name))),
  instance_id: Uuid,
  migration_id: Type.Union([Uuid, Type.Null()]),
  epoch: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  fencing: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  deadline_at: Type.String({ maxLength: 64 }),
  arguments: Type.Object({}),
});

export type ParsedCommand =
  | { readonly type: 'command'; readonly message: CommandMessage }
  /** It says whom to answer, but not what to do. */
  | { readonly type: 'refused'; readonly message: CommandMessage; readonly reason: string }
  /** Nobody to answer. */
  | { readonly type: 'unreadable'; readonly reason: string };

/** Compiled at first use: an idle agent carries none of them. */
const validators = new Map<string, Validator>();

/** Checks a message from the broker. Never throws: a bad message is somebody else's mistake. */
export function parseCommand(body: unknown): ParsedCommand {
  const envelope = firstMistake('envelope', Envelope, body);
  if (envelope !== null) return { type: 'unreadable', reason: envelope };
  const message = body as CommandMessage;
  const deadline = Date.parse(message.deadline_at);
  const definition = commandRegistry[message.command];
  const reason =
    (Number.isNaN(deadline) ? 'deadline_at is no time' : null) ??
    (definition.needs_migration === true && message.migration_id === null
      ? `${message.command} needs a migration_id`
      : null) ??
    firstMistake(message.command, definition.arguments, message.arguments) ??
    foreignSpec(message);
  return reason === null ? { type: 'command', message } : { type: 'refused', message, reason };
}

function firstMistake(name: CommandName | 'envelope', schema: TSchema, value: unknown): string | null {
  let validator = validators.get(name);
  if (validator === undefined) {
    validator = Compile(schema);
    validators.set(name, validator);
  }
  if (validator.Check(value)) return null;
  const [error] = validator.Errors(value);
  const where = error === undefined || error.instancePath === '' ? 'it' : error.instancePath.slice(1);
  return `${name}: ${where} ${error?.message ?? 'does not have the expected shape'}`;
}

/** A spec of another instance would define somebody else's guest on these disks. */
function foreignSpec(message: CommandMessage): string | null {
  const { spec } = message.arguments as { readonly spec?: { readonly id: string } };
  return spec === undefined || spec.id === message.instance_id
    ? null
    : `spec is of instance ${spec.id}, the command of ${message.instance_id}`;
}
