/**
 * Every id has its own type, so that a host's id cannot be handed to something that wants an instance's.
 * The brand exists for the compiler only; at run time an id is the plain string or number.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Public UUID of an instance (the API's server id). */
export type InstanceId = Branded<string, 'InstanceId'>;
/** Public UUID of a migration. */
export type MigrationId = Branded<string, 'MigrationId'>;
/** UUID of an operation: one run of a plan on one instance. */
export type OperationId = Branded<string, 'OperationId'>;
/** UUID of a stored placement decision. */
export type DecisionId = Branded<string, 'DecisionId'>;
/** Name of a compute host, as its agent reports it (Nova's `host`). */
export type HostName = Branded<string, 'HostName'>;
/** Keystone-style id of a project: 32 hexadecimal digits. */
export type ProjectId = Branded<string, 'ProjectId'>;
/** Keystone-style id of a user: 32 hexadecimal digits. */
export type UserId = Branded<string, 'UserId'>;
/** UUID of an image. */
export type ImageId = Branded<string, 'ImageId'>;
/** UUID of a server group. */
export type ServerGroupId = Branded<string, 'ServerGroupId'>;
/** `req-<uuid>`: one id for everything that one API call causes, in every process. */
export type RequestId = Branded<string, 'RequestId'>;
/** Name of one scheduler process: `<hostname>-<pid>-<random>`. */
export type SchedulerId = Branded<string, 'SchedulerId'>;

export const instanceId = (value: string): InstanceId => value as InstanceId;
export const migrationId = (value: string): MigrationId => value as MigrationId;
export const operationId = (value: string): OperationId => value as OperationId;
export const decisionId = (value: string): DecisionId => value as DecisionId;
export const hostName = (value: string): HostName => value as HostName;
export const projectId = (value: string): ProjectId => value as ProjectId;
export const userId = (value: string): UserId => value as UserId;
export const imageId = (value: string): ImageId => value as ImageId;
export const serverGroupId = (value: string): ServerGroupId => value as ServerGroupId;
export const requestId = (value: string): RequestId => value as RequestId;
export const schedulerId = (value: string): SchedulerId => value as SchedulerId;
