/** The closed vocabularies of states. Nova's words where Nova has one (facts document, section 3). */

export const vmStates = [
  'building',
  'active',
  'paused',
  'suspended',
  'stopped',
  'resized',
  'deleted',
  'error',
] as const;
export type VmState = (typeof vmStates)[number];

export const taskStates = [
  'scheduling',
  'spawning',
  'powering-on',
  'powering-off',
  'rebooting',
  'rebooting_hard',
  'resize_prep',
  'resize_migrating',
  'resize_migrated',
  'resize_finish',
  'resize_reverting',
  'deleting',
  'image_snapshot_pending',
  'image_snapshot',
  'image_pending_upload',
  'image_uploading',
] as const;
export type TaskState = (typeof taskStates)[number];

/** Nova's power_state numbers. */
export const PowerState = {
  noState: 0,
  running: 1,
  paused: 3,
  shutdown: 4,
  crashed: 6,
  suspended: 7,
} as const;
export type PowerState = (typeof PowerState)[keyof typeof PowerState];

export const migrationStatuses = [
  'pre-migrating',
  'migrating',
  'post-migrating',
  'finished',
  'confirming',
  'confirmed',
  'reverting',
  'reverted',
  'error',
  'cancelled',
] as const;
export type MigrationStatus = (typeof migrationStatuses)[number];

/** A migration in one of these holds nothing any more; every other status still holds claims. */
export const restingMigrationStatuses = ['confirmed', 'reverted', 'error', 'cancelled'] as const;

/** Where in its plan an operation is; finer than Nova's status, shown in Drover v1. */
export const phases = [
  'choose',
  'queued',
  'survey',
  'admit',
  'connect',
  'pre-copy',
  'stop',
  'copy',
  'verify',
  'retire',
  'adopt',
  'switch',
  'verify-resize',
  'check',
  'discard',
  'withdraw',
  'restore',
  'settle',
  'spawn',
  'power-on',
  'power-off',
  'reboot',
  'destroy',
  'extract',
  'upload',
  'unwind',
  'done',
] as const;
export type Phase = (typeof phases)[number];

/** The plans that exist: what an operation can do to an instance. */
export const operationKinds = [
  'create',
  'delete',
  'start',
  'stop',
  'reboot',
  'cold',
  'confirm',
  'revert',
  'extract',
] as const;
export type OperationKind = (typeof operationKinds)[number];

/**
 * waiting: behind another operation of the same instance; running: going forward; unwinding: undoing;
 * done: all steps done; unwound: everything undone, as before; stuck: an undo failed, a person is needed.
 */
export const operationStates = ['waiting', 'running', 'unwinding', 'done', 'unwound', 'stuck'] as const;
export type OperationState = (typeof operationStates)[number];
