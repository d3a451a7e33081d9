import type { HostName } from '../../../shared/domain/ids.ts';
import type { ClaimDetails, PlacementRequest, ServerGroupState } from './model.ts';

/** A filter's answer. Sentences and numbers, so that a person can act on it. */
export type Verdict =
  | { readonly pass: true }
  | {
      readonly pass: false;
      /** Stable word for counting: `memory_short`, `disabled`, `wrong_zone` … */
      readonly code: string;
      /**
       * What is wrong with the host: "short of 2048 MB". May hold the places `{asked}`, `{available}` and
       * `{short}` (asked minus available), filled when somebody reads it: ten thousand equal reasons are one text.
       */
      readonly message: string;
      readonly asked?: number | string;
      readonly available?: number | string;
      /** What the numbers count, for a sentence: "MB of RAM". Only with numbers. */
      readonly unit?: string;
    };

export interface Rejection {
  readonly host: HostName;
  readonly filter: string;
  readonly code: string;
  readonly message: string;
  readonly asked?: number | string;
  readonly available?: number | string;
}

export interface WeighedHost {
  readonly host: HostName;
  /** Place in the order of weights, from 0. */
  readonly rank: number;
  readonly weight: number;
  /** Weigher name → raw value, normalised value, multiplier. */
  readonly parts: ReadonlyArray<{
    readonly weigher: string;
    readonly raw: number;
    readonly normalised: number;
    readonly multiplier: number;
  }>;
}

/**
 * All rejections of one decision. Holds numbers; a Rejection is built when it is read, so that ten thousand
 * reasons cost a decision nothing. `JSON.stringify` gives the readable groups.
 */
export interface Rejections extends Iterable<Rejection> {
  readonly length: number;
  /** Why this host was rejected; undefined when it was not. */
  of(host: HostName): Rejection | undefined;
  /** Same reason, same text: one group, in the order in which the rules ran. */
  groups(): readonly RejectionGroup[];
  /** As they were collected, for who stores them; null for those that were read back. */
  columns(): RejectionColumns | null;
  toJSON(): readonly RejectionGroup[];
}

/** Rejections as the decision collected them: one place per rejection, in the order in which the rules ran. */
export interface RejectionColumns {
  /** Every host that was considered; a row is a place in it. Never changed. */
  readonly names: readonly HostName[];
  readonly heads: readonly RejectionHead[];
  readonly rows: Int32Array;
  /** Places in `heads`. */
  readonly groups: Uint32Array;
  /** NaN where there is no number. */
  readonly available: Float64Array;
}

/** What all rejections of one group share. */
export interface RejectionHead {
  readonly filter: string;
  readonly code: string;
  /** May hold `{asked}`, `{available}` and `{short}`. */
  readonly message: string;
  readonly unit?: string;
  readonly asked?: number | string;
  /** The same for every host of the group, when it is a text. */
  readonly available?: string;
  /** Counted by itself, where groups that differ in their texts only are one reason otherwise. */
  readonly is_apart?: true;
}

/** The readable form of rejections: one text, many hosts. */
export interface RejectionGroup extends RejectionHead {
  readonly hosts: readonly HostName[];
  /** Beside `hosts`, when it is a number. */
  readonly availables?: readonly number[];
}

/** The options that decide between the weighed hosts; kept so that a decision replays from its record alone. */
export interface ChoiceSettings {
  readonly host_subset_size: number;
  readonly shuffle_best_same_weighed_hosts: boolean;
  readonly max_attempts: number;
}

/** Everything that was found out about one request. Stored as `JSON.stringify` gives it. */
export interface Decision {
  readonly request: PlacementRequest;
  readonly seed: string;
  readonly snapshot_version: number;
  readonly choice: ChoiceSettings;
  readonly considered: number;
  /** Filter name → hosts left after it, in the order they ran. */
  readonly survivors: ReadonlyArray<{ readonly filter: string; readonly hosts: number }>;
  readonly rejections: Rejections;
  /** How many hosts passed every filter and were weighed. */
  readonly weighed: number;
  /**
   * The best hosts in the order of their weight, before the draw: at least the ten best, the choice and the
   * alternates. `rank` is the place in that order, from 0.
   */
  readonly ranked: readonly WeighedHost[];
  readonly chosen: HostName | null;
  /** The next `max_attempts - 1` after the choice. */
  readonly alternates: readonly HostName[];
  /** Named cpus, pages and devices for the choice and the alternates; empty when the request needs none. */
  readonly details: ReadonlyArray<{ readonly host: HostName; readonly details: ClaimDetails }>;
  /** How many hosts tied for the best weight. */
  readonly ties: number;
  /** Things the operator should mend, such as an aggregate's multiplier that is not a number. */
  readonly warnings: readonly string[];
  /** Null when a host was found. */
  readonly no_valid_host: NoValidHost | null;
  /** So that `JSON.stringify(decision)` gives the record. */
  readonly toJSON: (this: Decision) => DecisionRecord;
}

/** The stored form of a decision: JSON through and through, and a person can read it. */
export type DecisionRecord = Omit<Decision, 'request' | 'rejections' | 'toJSON'> & {
  readonly request: Omit<PlacementRequest, 'server_group'> & {
    readonly server_group:
      | (Omit<ServerGroupState, 'members'> & {
          readonly members: Readonly<Record<string, readonly HostName[]>>;
        })
      | null;
  };
  readonly rejections: readonly RejectionGroup[];
};

export interface NoValidHost {
  /** "No valid host was found. 12 of 14 hosts: RamFilter (short of 2048 MB at best) 9, …" */
  readonly message: string;
  /** Largest first. */
  readonly counts: ReadonlyArray<{
    readonly filter: string;
    readonly code: string;
    readonly hosts: number;
    readonly example: string;
  }>;
  /** "host c17 lacks 2,048 MB of RAM" */
  readonly nearest_miss: string | null;
}
