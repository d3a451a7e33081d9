import type { Weigher } from './weigher.ts';

/**
 * Hosts of the server's own cell first. Drover's clusters have one cell, so it never tells hosts apart; it exists so that
 * configurations that name it, or its option, work.
 */
export const CrossCellWeigher: Weigher = {
  name: 'CrossCellWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.cross_cell_move_weight_multiplier,
  aggregate_key: 'cross_cell_move_weight_multiplier',
  prepare: () => null,
};
