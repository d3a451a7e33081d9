import type { Columns } from '../columns.ts';
import type { HostState, PlacementRequest } from '../model.ts';
import type { PlacementSettings } from '../settings.ts';

export interface WeigherContext {
  readonly request: PlacementRequest;
  readonly settings: PlacementSettings;
  /** Adds a sentence to the decision's warnings. */
  readonly warn: (sentence: string) => void;
}

/** Gives a number to one host at a time. The form for a site's own weigher. */
export interface HostNumber {
  readonly reads: 'host';
  readonly raw: (host: HostState) => number;
}

/** Gives the numbers of all rows at once. */
export interface ColumnNumber {
  readonly reads: 'columns';
  readonly values: (columns: Columns) => Float64Array;
}

/** One preference among the hosts that passed, under Nova's name. */
export interface Weigher {
  readonly name: string;
  /** The configured multiplier; negative ones prefer small numbers. */
  readonly multiplier: (settings: PlacementSettings) => number;
  /** The aggregate metadata key that overrides the multiplier for its hosts. */
  readonly aggregate_key: string | null;
  /** Nova negates the build failure weigher's multiplier, wherever it comes from. */
  readonly negated?: boolean;
  /** Raw numbers are lifted to it, and the range begins here instead of at the least number. */
  readonly minimum?: number;
  /** Called once per decision. Null: no preference for this request, every host gets 0. */
  readonly prepare: (context: WeigherContext) => HostNumber | ColumnNumber | null;
}
