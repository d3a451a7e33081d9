import type { World } from './model.ts';

/**
 * The epoch proves which host may run an instance: a host that has seen a higher one refuses everything older.
 *
 *   e      the present home's
 *   e + 1  the next home's: written at the old home when it retires, carried by the guest at the new one
 *   e + 2  the old home's again, when a move is taken back after e + 1 was written somewhere
 *
 * An undo before e + 1 was spent keeps e: nothing has seen anything newer.
 */
export const nextEpoch = (world: World): number => world.instance.epoch + 1;

/** The epoch of undos, and of the instance after an unwind. */
export const unwindEpoch = (world: World): number =>
  world.operation.facts.epoch_spent === true ? world.instance.epoch + 2 : world.instance.epoch;
