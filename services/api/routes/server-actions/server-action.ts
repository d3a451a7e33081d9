import type { FastifyRequest } from 'fastify';
import type { BodySchema } from '../../http/validate.ts';
import type { Microversion } from '../../http/microversion.ts';
import type { ServerRow } from '../../queries/server-row.ts';
import type { ApiServices } from '../../services.ts';

/** What an action gets once the body was checked, the server found and the policy asked. */
export interface ServerActionCall {
  readonly services: ApiServices;
  readonly request: FastifyRequest;
  readonly server: ServerRow;
  /** The value under the action's key; it passed the action's schema. */
  readonly argument: unknown;
}

/** One thing that POST /servers/{id}/action can do. */
export interface ServerAction {
  /** The one key of the body: `migrate`, `os-start` … */
  readonly name: string;
  /** Schema of the value at this microversion; null: Nova does not look at it. */
  readonly schema: (version: Microversion) => BodySchema<unknown> | null;
  /** Nova's rule; asked with the server's project after the server was found. */
  readonly policy: string;
  /** Does it, and answers the status of the empty answer, or all of another one. */
  readonly perform: (call: ServerActionCall) => Promise<202 | 204 | ActionAnswer>;
}

/** For the few whose answer says something. */
export interface ActionAnswer {
  readonly status: 202;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object | undefined;
}

/** Schema of a whole action body: exactly this key with a value of this form. */
export function actionBody(name: string, value: object): BodySchema<unknown> {
  return {
    schema: { type: 'object', properties: { [name]: value }, required: [name], additionalProperties: false },
  };
}

/** For actions whose value Nova never looks at. */
export const anyArgument = (): null => null;
