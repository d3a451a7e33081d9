import type { Columns, Scratch } from './columns.ts';
import type { WeighedHost } from './decision.ts';
import type { HostState } from './model.ts';
import type { ColumnNumber, HostNumber, Weigher, WeigherContext } from './weighers/weigher.ts';
import { multipliersOf, type Multipliers } from './weighers/multipliers.ts';

interface PreparedWeigher {
  readonly weigher: Weigher;
  /** The raw number of the host at a place in `rows`. */
  readonly rawAt: (place: number) => number;
  readonly least: number;
  readonly range: number;
  readonly multipliers: Multipliers;
}

export interface Weighed {
  /** Beside `rows`: the weight of each host that passed the filters. */
  readonly weights: Float64Array;
  /** Each weigher's part in the weight of the host at a place in `rows`. */
  readonly partsAt: (place: number) => WeighedHost['parts'];
}

/**
 * Weight of a host = Σ multiplier × (raw − min) / (max − min) over the hosts that passed, in the weighers' order
 * (facts document, section 6.3): equal numbers count 0 for all, and one host alone is not weighed.
 */
export function weighHosts(
  rows: Int32Array,
  columns: Columns,
  hosts: readonly HostState[],
  weighers: readonly Weigher[],
  context: WeigherContext,
  scratch: Scratch,
): Weighed {
  const weights = scratch.weights.subarray(0, rows.length).fill(0);
  const prepared = weighers.map((weigher) =>
    addWeigher(weigher, weights, rows, columns, hosts, context, scratch),
  );
  return { weights, partsAt: (place) => prepared.map((part) => partAt(part, place, rows, columns)) };
}

/** Adds one weigher's part to all weights. */
function addWeigher(
  weigher: Weigher,
  weights: Float64Array,
  rows: Int32Array,
  columns: Columns,
  hosts: readonly HostState[],
  context: WeigherContext,
  scratch: Scratch,
): PreparedWeigher {
  const multipliers = multipliersOf(weigher, rows, columns, context);
  const { common, by_class } = multipliers;
  const source: HostNumber | ColumnNumber | null = rows.length > 1 ? weigher.prepare(context) : null;
  if (source === null) return { weigher, rawAt: () => 0, least: 0, range: 0, multipliers };
  const rawAt = reader(source, rows, columns, hosts);
  if (by_class === null && common === 0) return { weigher, rawAt, least: 0, range: 0, multipliers };
  const values = scratch.weighed_numbers.subarray(0, rows.length);
  if (source.reads === 'columns') gather(values, source.values(columns), rows);
  else for (let place = 0; place < rows.length; place += 1) values[place] = rawAt(place);
  if (weigher.minimum !== undefined) lift(values, weigher.minimum);
  const { least, range } = spanOf(values, weigher.minimum);
  if (range > 0)
    addShares(weights, values, { least, range, multipliers, rows, host_class: columns.host_class });
  return { weigher, rawAt, least, range, multipliers };
}

/** The numbers of the rows side by side: what follows reads them more than once, and in order. */
function gather(values: Float64Array, column: Float64Array, rows: Int32Array): void {
  for (let place = 0; place < rows.length; place += 1) values[place] = column[rows[place] ?? 0] ?? 0;
}

function lift(values: Float64Array, minimum: number): void {
  for (let place = 0; place < values.length; place += 1)
    values[place] = Math.max(values[place] ?? 0, minimum);
}

/** @param minimum where the range begins, instead of at the least number */
function spanOf(
  values: Float64Array,
  minimum: number | undefined,
): { readonly least: number; readonly range: number } {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let place = 0; place < values.length; place += 1) {
    const value = values[place] ?? 0;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  least = minimum ?? least;
  return { least, range: greatest - least };
}

function addShares(
  weights: Float64Array,
  values: Float64Array,
  {
    least,
    range,
    multipliers: { common, by_class },
    rows,
    host_class,
  }: {
    readonly least: number;
    readonly range: number;
    readonly multipliers: Multipliers;
    readonly rows: Int32Array;
    readonly host_class: Uint32Array;
  },
): void {
  if (by_class === null) {
    for (let place = 0; place < values.length; place += 1)
      weights[place] = (weights[place] ?? 0) + common * (((values[place] ?? 0) - least) / range);
    return;
  }
  for (let place = 0; place < values.length; place += 1) {
    const multiplier = by_class[host_class[rows[place] ?? 0] ?? 0] ?? common;
    weights[place] = (weights[place] ?? 0) + multiplier * (((values[place] ?? 0) - least) / range);
  }
}

function reader(
  source: HostNumber | ColumnNumber,
  rows: Int32Array,
  columns: Columns,
  hosts: readonly HostState[],
): (place: number) => number {
  if (source.reads === 'columns') {
    const column = source.values(columns);
    return (place) => column[rows[place] ?? 0] ?? 0;
  }
  // Each number is asked for once: a site's own weigher may be slow.
  const known = new Map<number, number>();
  return (place) => {
    let value = known.get(place);
    if (value === undefined) {
      const host = hosts[rows[place] ?? 0];
      value = host === undefined ? 0 : source.raw(host);
      known.set(place, value);
    }
    return value;
  };
}

function partAt(
  part: PreparedWeigher,
  place: number,
  rows: Int32Array,
  columns: Columns,
): WeighedHost['parts'][number] {
  const raw = part.rawAt(place);
  const lifted = Math.max(raw, part.weigher.minimum ?? Number.NEGATIVE_INFINITY);
  const { common, by_class } = part.multipliers;
  return {
    weigher: part.weigher.name,
    raw,
    normalised: part.range === 0 ? 0 : (lifted - part.least) / part.range,
    multiplier: by_class?.[columns.host_class[rows[place] ?? 0] ?? 0] ?? common,
  };
}
