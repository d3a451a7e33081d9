import type { Columns, Scratch } from './columns.ts';
import type { HostState, WeighedHost } from './model.ts';
import type { ColumnNumber, HostNumber, Weigher, WeigherContext } from './weighers/weigher.ts';
import { multipliersOf, type Multipliers } from './weighers/multipliers.ts';

interface PreparedWeigher {
  readonly weigher: Weigher;
  readonly raw: (row: number) => number;
  /** Set when the raw numbers are a column: loops read it without a call per host. */
  readonly column: Float64Array | null;
  readonly least: number;
  readonly range: number;
  readonly multipliers: Multipliers;
}

export interface Weighed {
  /** Beside `rows`: the weight of each host that passed the filters. */
  readonly weights: Float64Array;
  /** Each weigher's part in one host's weight. */
  readonly partsOf: (row: number) => WeighedHost['parts'];
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
  const prepared = weighers.map((weigher) => prepare(weigher, rows, columns, hosts, context));
  for (const { column, raw, least, range, multipliers, weigher } of prepared) {
    if (range === 0 || (multipliers.by_class === null && multipliers.common === 0)) continue;
    const { by_class, common } = multipliers;
    const minimum = weigher.minimum ?? Number.NEGATIVE_INFINITY;
    if (column !== null && by_class === null) {
      addColumn(weights, rows, column, { minimum, least, range, multiplier: common });
    } else {
      for (let index = 0; index < rows.length; index += 1) {
        const row = rows[index] ?? 0;
        const value = Math.max(raw(row), minimum);
        const multiplier = by_class?.[columns.host_class[row] ?? 0] ?? common;
        weights[index] = (weights[index] ?? 0) + multiplier * ((value - least) / range);
      }
    }
  }
  return { weights, partsOf: (row) => prepared.map((part) => partOf(part, row, columns)) };
}

function addColumn(
  weights: Float64Array,
  rows: Int32Array,
  column: Float64Array,
  {
    minimum,
    least,
    range,
    multiplier,
  }: {
    readonly minimum: number;
    readonly least: number;
    readonly range: number;
    readonly multiplier: number;
  },
): void {
  for (let index = 0; index < rows.length; index += 1) {
    const value = column[rows[index] ?? 0] ?? 0;
    const lifted = value > minimum ? value : minimum;
    weights[index] = (weights[index] ?? 0) + multiplier * ((lifted - least) / range);
  }
}

function prepare(
  weigher: Weigher,
  rows: Int32Array,
  columns: Columns,
  hosts: readonly HostState[],
  context: WeigherContext,
): PreparedWeigher {
  const multipliers = multipliersOf(weigher, rows, columns, context);
  const source: HostNumber | ColumnNumber | null = rows.length > 1 ? weigher.prepare(context) : null;
  const nothing = { weigher, raw: () => 0, column: null, least: 0, range: 0, multipliers };
  if (source === null) return nothing;
  const { raw, column } = reader(source, columns, hosts);
  const unused = multipliers.by_class === null && multipliers.common === 0;
  if (unused) return { ...nothing, raw };
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  if (column !== null) {
    for (let index = 0; index < rows.length; index += 1) {
      const value = column[rows[index] ?? 0] ?? 0;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  } else {
    for (let index = 0; index < rows.length; index += 1) {
      const value = raw(rows[index] ?? 0);
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  if (weigher.minimum !== undefined) {
    least = weigher.minimum;
    greatest = Math.max(greatest, weigher.minimum);
  }
  return { weigher, raw, column, least, range: greatest - least, multipliers };
}

function reader(
  source: HostNumber | ColumnNumber,
  columns: Columns,
  hosts: readonly HostState[],
): { readonly raw: (row: number) => number; readonly column: Float64Array | null } {
  if (source.reads === 'columns') {
    const column = source.values(columns);
    return { raw: (row) => column[row] ?? 0, column };
  }
  // Each number is asked for once: a site's own weigher may be slow.
  const known = new Map<number, number>();
  return {
    column: null,
    raw: (row) => {
      let value = known.get(row);
      if (value === undefined) {
        const host = hosts[row];
        value = host === undefined ? 0 : source.raw(host);
        known.set(row, value);
      }
      return value;
    },
  };
}

function partOf(part: PreparedWeigher, row: number, columns: Columns): WeighedHost['parts'][number] {
  const raw = part.raw(row);
  const lifted = Math.max(raw, part.weigher.minimum ?? Number.NEGATIVE_INFINITY);
  return {
    weigher: part.weigher.name,
    raw,
    normalised: part.range === 0 ? 0 : (lifted - part.least) / part.range,
    multiplier: part.multipliers.by_class?.[columns.host_class[row] ?? 0] ?? part.multipliers.common,
  };
}
